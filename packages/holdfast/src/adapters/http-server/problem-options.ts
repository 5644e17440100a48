import { classify, InvalidArgumentError, type AnyFailure, type Classify } from "../../errors/index.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { checkNames } from "./shedding-options.ts";

/**
 * What became of the error: `answered` with a problem document; `cutOff`, the connection, because part of the answer was
 * out; `clientGone`, so nobody was left to answer; `late`, thrown after the answer had been sent in full.
 */
export type ProblemOutcome = "answered" | "cutOff" | "clientGone" | "late";

/** Everything about an error, for the server's eyes only. */
export interface ProblemEvent<Request> {
  readonly request: Request;
  /** What was thrown. */
  readonly error: unknown;
  /** The same as one of the six kinds. */
  readonly failure: AnyFailure;
  readonly outcome: ProblemOutcome;
  /** What the client got; 499 when it has gone. */
  readonly status: number;
  /** What the document says, which may be less than `failure.code`. */
  readonly code: string;
  /** Undefined when it is not known when the request came. */
  readonly durationMs: number | undefined;
  readonly traceId: string | undefined;
}

/** `Request` is the framework's own. */
export interface ProblemOptions<Request> {
  /** What turns an error into one of the six kinds. Default `classify` of `holdfast/errors`. */
  readonly classify?: Classify;
  /** Statuses by the code of the failure, before those of the table: `{ ORDER_CLOSED: 422 }`, each 400..599. Default none. */
  readonly statuses?: Readonly<Record<string, number>>;
  /** What `Retry-After` says with 429 and 503 where the error does not know; milliseconds, 0 for no such header. Default 1 000. */
  readonly retryAfterMs?: number;
  /** The document's `type` for a code. Default `about:blank`. */
  readonly typeUri?: (code: string) => string;
  /** The document's `detail`, at any status, in place of the default: the message of an error that is `exposed`. */
  readonly detail?: (failure: AnyFailure, error: unknown) => string | undefined;
  /** The document's `instance`, a URI of this occurrence. Default none. */
  readonly instance?: (request: Request) => string | undefined;
  /** The trace id of a request whose `traceparent` header has none. Default none. */
  readonly traceId?: (request: Request) => string | undefined;
  /** Told of each error once; what it throws is ignored. */
  readonly onError?: (event: ProblemEvent<Request>) => unknown;
  /** What `timestamp` goes by. Default: the system's. */
  readonly clock?: Pick<Clock, "wallTime">;
}

export const problemDefaults: { readonly retryAfterMs: number } = { retryAfterMs: 1_000 };

export interface ProblemSettings<Request>
  extends
    Required<Pick<ProblemOptions<Request>, "classify" | "retryAfterMs" | "clock">>,
    Pick<ProblemOptions<Request>, "typeUri" | "detail" | "instance" | "traceId" | "onError"> {
  readonly statuses: ReadonlyMap<string, number>;
}

const optionNames = [
  "classify",
  "statuses",
  "retryAfterMs",
  "typeUri",
  "detail",
  "instance",
  "traceId",
  "onError",
  "clock",
] as const;

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkProblemOptions<Request>(
  adapter: string,
  options: ProblemOptions<Request>,
): ProblemSettings<Request> {
  checkNames(adapter, options, optionNames);
  for (const name of ["classify", "typeUri", "detail", "instance", "traceId", "onError"] as const) {
    const callback = options[name];
    if (callback !== undefined && typeof callback !== "function") {
      throw new InvalidArgumentError(`${adapter}.${name}`, "must be a function", callback);
    }
  }
  const { retryAfterMs = problemDefaults.retryAfterMs, clock = systemClock } = options;
  if (!(Number.isFinite(retryAfterMs) && retryAfterMs >= 0)) {
    throw new InvalidArgumentError(`${adapter}.retryAfterMs`, "must be a number >= 0", retryAfterMs);
  }
  if (typeof clock?.wallTime !== "function") {
    throw new InvalidArgumentError(`${adapter}.clock`, "must be a clock", clock);
  }
  return {
    ...options,
    classify: options.classify ?? classify,
    retryAfterMs,
    clock,
    statuses: toStatuses(`${adapter}.statuses`, options.statuses ?? {}),
  };
}

function toStatuses(name: string, statuses: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  if (typeof statuses !== "object" || statuses === null || Array.isArray(statuses)) {
    throw new InvalidArgumentError(name, "must be an object", statuses);
  }
  for (const [code, status] of Object.entries(statuses)) {
    if (!(Number.isInteger(status) && status >= 400 && status <= 599)) {
      throw new InvalidArgumentError(`${name}.${code}`, "must be an integer >= 400 and <= 599", status);
    }
  }
  return new Map(Object.entries(statuses));
}
