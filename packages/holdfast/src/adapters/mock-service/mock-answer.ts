import { validateHeaderName, validateHeaderValue } from "node:http";
import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";

/** What a route says. At most one of `json`, `text` and `bytes`. */
export interface MockAnswer {
  /** 200..599. Default 200. */
  readonly status?: number;
  /** The length is set by itself. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
}

/** An answer in the form in which it is sent; header names in lower case. */
export interface ReadyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
}

const names = ["status", "headers", "json", "text", "bytes"];
const bodies = ["json", "text", "bytes"] as const;
const managed: readonly string[] = ["content-length", "transfer-encoding", "connection"];
const types = { json: "application/json", text: "text/plain; charset=utf-8", bytes: "application/octet-stream" };
const empty = new Uint8Array();

/** @throws InvalidArgumentError that names `name` */
export function readAnswer(name: string, answer: MockAnswer): ReadyAnswer {
  checkOptionNames(name, answer, names);
  const status = checkInteger(`${name}.status`, answer.status ?? 200, 200, 599);
  const [kind, second] = bodies.filter((word) => answer[word] !== undefined);
  if (second !== undefined) throw new InvalidArgumentError(name, `must have only one of ${bodies.join(", ")}`, answer);
  const headers = readHeaders(`${name}.headers`, answer.headers);
  const body = kind === undefined ? empty : readBody(`${name}.${kind}`, kind, answer[kind]);
  if (body.length > 0 && (status === 204 || status === 304)) {
    throw new InvalidArgumentError(`${name}.${kind ?? ""}`, `must not be there with status ${status}`, answer);
  }
  return { status, headers: kind === undefined ? headers : { "content-type": types[kind], ...headers }, body };
}

/** What the service itself says: `{ error: … }`. */
export function errorAnswer(
  status: number,
  error: string,
  rest: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): ReadyAnswer {
  const answer = readAnswer("answer", { status, json: { error, ...rest } });
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function readBody(name: string, kind: (typeof bodies)[number], value: unknown): Uint8Array {
  if (kind === "bytes") {
    if (value instanceof Uint8Array) return value;
    throw new InvalidArgumentError(name, "must be a Uint8Array", value);
  }
  if (kind === "text") {
    if (typeof value === "string") return Buffer.from(value);
    throw new InvalidArgumentError(name, "must be text", value);
  }
  try {
    return Buffer.from(JSON.stringify(value));
  } catch {
    throw new InvalidArgumentError(name, "must be what JSON can say", value);
  }
}

function readHeaders(name: string, headers: unknown): Record<string, string | readonly string[]> {
  if (headers === undefined) return {};
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new InvalidArgumentError(name, "must be an object", headers);
  }
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]: [string, unknown]) => {
      const lower = key.toLowerCase();
      const at = `${name}.${key}`;
      if (managed.includes(lower)) throw new InvalidArgumentError(at, "is set by the service", value);
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      try {
        validateHeaderName(lower);
        for (const one of values) {
          if (typeof one !== "string") throw new TypeError("not text");
          validateHeaderValue(lower, one);
        }
      } catch {
        throw new InvalidArgumentError(at, "must be a header's name with text, or a list of it", value);
      }
      return [lower, value as string | readonly string[]];
    }),
  );
}
