import { InvalidArgumentError } from "../../errors/index.ts";
import type { Policy } from "../../resilience/index.ts";
import { systemClock } from "../../runtime/system.ts";
import type { MemberSettings } from "./problem-members.ts";
import type { ProblemOptions } from "./problem-options.ts";

/** A request was turned away. */
export interface ShedEvent<Request> {
  readonly request: Request;
  /** What the policy rejected it with. */
  readonly error: unknown;
  readonly status: number;
  /** What the document says: the policy's code, such as `BULKHEAD_FULL`. */
  readonly code: string;
  /** What the answer says; undefined when it says nothing. */
  readonly retryAfterMs: number | undefined;
  /** Since the request came, or came here: how long it waited. */
  readonly durationMs: number | undefined;
  readonly traceId: string | undefined;
}

/** `Request` is the framework's own. What the document of an answer says is chosen as in `ProblemOptions`. */
export interface SheddingOptions<Request> extends Pick<
  ProblemOptions<Request>,
  "typeUri" | "instance" | "traceId" | "clock"
> {
  /** Whose request it is, for policies that go by keys. Default: none. */
  readonly key?: (request: Request) => string | undefined;
  /** Who goes first where requests queue: an integer, the higher the sooner. Default 0. */
  readonly priority?: (request: Request) => number;
  /** What a request that is turned away is answered with, 400..599. Default 429 for a used up rate, else 503. */
  readonly status?: number;
  /** What `Retry-After` says when the policy does not know; milliseconds, 0 for no such header. Default 1 000. */
  readonly retryAfterMs?: number;
  /** Requests that no policy touches, such as health checks: paths, or a function. Default: none. */
  readonly skip?: readonly string[] | ((request: Request) => boolean);
  /** Which statuses are failures for policies that learn from them. Default those from 500 on. */
  readonly failOn?: (status: number) => boolean;
  /** Told of each request that is turned away; what it throws is ignored. */
  readonly onShed?: (event: ShedEvent<Request>) => void;
}

export const sheddingDefaults: { readonly retryAfterMs: number } = { retryAfterMs: 1_000 };

export interface SheddingSettings<Request> extends MemberSettings<Request> {
  readonly policy: Policy<unknown>;
  readonly key: SheddingOptions<Request>["key"];
  readonly priority: SheddingOptions<Request>["priority"];
  readonly status: number | undefined;
  readonly retryAfterMs: number;
  readonly skips: ((request: Request) => boolean) | undefined;
  readonly isFailure: (status: number) => boolean;
  readonly onShed: SheddingOptions<Request>["onShed"];
}

export const sheddingOptionNames: readonly string[] = [
  "key",
  "priority",
  "status",
  "retryAfterMs",
  "skip",
  "failOn",
  "onShed",
  "typeUri",
  "instance",
  "traceId",
  "clock",
];

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkSheddingOptions<Request>(
  adapter: string,
  policy: Policy<unknown>,
  options: SheddingOptions<Request>,
  pathOf: (request: Request) => string,
): SheddingSettings<Request> {
  if (typeof policy?.execute !== "function") {
    throw new InvalidArgumentError(`${adapter}.policy`, "must be a policy", policy);
  }
  checkNames(adapter, options, sheddingOptionNames);
  const { key, priority, status, retryAfterMs = sheddingDefaults.retryAfterMs, skip, failOn, onShed } = options;
  const { typeUri, instance, traceId, clock = systemClock } = options;
  for (const [name, callback] of Object.entries({ key, priority, failOn, onShed, typeUri, instance, traceId })) {
    if (callback !== undefined && typeof callback !== "function") {
      throw new InvalidArgumentError(`${adapter}.${name}`, "must be a function", callback);
    }
  }
  if (status !== undefined && !(Number.isInteger(status) && status >= 400 && status <= 599)) {
    throw new InvalidArgumentError(`${adapter}.status`, "must be an integer >= 400 and <= 599", status);
  }
  if (!(Number.isFinite(retryAfterMs) && retryAfterMs >= 0)) {
    throw new InvalidArgumentError(`${adapter}.retryAfterMs`, "must be a number >= 0", retryAfterMs);
  }
  if (typeof clock?.wallTime !== "function") {
    throw new InvalidArgumentError(`${adapter}.clock`, "must be a clock", clock);
  }
  const skips = toSkip(`${adapter}.skip`, skip, pathOf);
  return {
    policy,
    key,
    priority,
    status,
    retryAfterMs,
    skips,
    isFailure: failOn ?? isServerError,
    onShed,
    clock,
    ...(typeUri === undefined ? {} : { typeUri }),
    ...(instance === undefined ? {} : { instance }),
    ...(traceId === undefined ? {} : { traceId }),
  };
}

/** @throws InvalidArgumentError for what is no object, and names that mean nothing */
export function checkNames(adapter: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`${adapter} options`, "must be an object", options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name)) {
      throw new InvalidArgumentError(`${adapter}.${name}`, `is no option; there are ${names.join(", ")}`, value);
    }
  }
}

function toSkip<Request>(
  name: string,
  skip: SheddingOptions<Request>["skip"],
  pathOf: (request: Request) => string,
): SheddingSettings<Request>["skips"] {
  if (skip === undefined || typeof skip === "function") return skip;
  if (!Array.isArray(skip) || skip.some((path) => typeof path !== "string" || !path.startsWith("/"))) {
    throw new InvalidArgumentError(name, "must be a list of paths that begin with / or a function", skip);
  }
  const paths = new Set<string>(skip);
  return (request) => paths.has(pathOf(request));
}

function isServerError(status: number): boolean {
  return status >= 500;
}
