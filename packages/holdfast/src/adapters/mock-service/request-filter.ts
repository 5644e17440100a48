import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { checkJson, containsJson } from "./json-part.ts";
import type { JournaledRequest } from "./journaled-request.ts";
import { decodePath, PathPattern } from "./path-pattern.ts";
import { compileTextRules, type TextRule } from "./text-rule.ts";

/** Which requests are meant: those that meet all that is given. */
export interface RequestFilter {
  readonly method?: string;
  /** A pattern: `/users/:id`, `/users/**`. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, TextRule | readonly TextRule[]>>;
  readonly headers?: Readonly<Record<string, TextRule | readonly TextRule[]>>;
  /** What the body must hold, as in a route. Only as much of it as the journal keeps can be asked for. */
  readonly body?: unknown;
  readonly route?: string;
  /** The id or the kind of a fault that struck it. */
  readonly fault?: string;
  readonly status?: number;
  readonly outcome?: JournaledRequest["outcome"];
}

/** Either words or a function. */
export type RequestMatcher = RequestFilter | ((request: JournaledRequest) => boolean);

const names = ["method", "path", "query", "headers", "body", "route", "fault", "status", "outcome"];
const plain = ["route", "status", "outcome"] as const;

/** @throws InvalidArgumentError that names `at` */
export function compileMatcher(at: string, matcher: RequestMatcher): (request: JournaledRequest) => boolean {
  if (typeof matcher === "function") return matcher;
  checkOptionNames(at, matcher, names);
  const { method, fault } = matcher;
  if (method !== undefined && typeof method !== "string") {
    throw new InvalidArgumentError(`${at}.method`, "must be text", method);
  }
  const pattern = matcher.path === undefined ? undefined : new PathPattern(`${at}.path`, matcher.path);
  const query = compileTextRules(`${at}.query`, matcher.query);
  const headers = compileTextRules(`${at}.headers`, matcher.headers);
  const body = matcher.body === undefined ? undefined : { part: checkJson(`${at}.body`, matcher.body) };
  return (request) => {
    if (method !== undefined && request.method !== method.toUpperCase()) return false;
    if (pattern !== undefined && pattern.match(decodePath(request.path) ?? []) === undefined) return false;
    if (plain.some((word) => matcher[word] !== undefined && matcher[word] !== request[word])) return false;
    if (fault !== undefined && !request.faults.some(({ id, kind }) => fault === id || fault === kind)) return false;
    const given = new URLSearchParams(request.query);
    return (
      query.every(([key, check]) => check(given.getAll(key))) &&
      headers.every(([key, check]) => check([request.headers[key.toLowerCase()] ?? []].flat())) &&
      (body === undefined || containsJson(parse(request.body), body.part))
    );
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
