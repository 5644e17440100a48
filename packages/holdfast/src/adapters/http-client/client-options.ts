import { InvalidArgumentError } from "../../errors/index.ts";
import type { Policy } from "../../resilience/index.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { toFailureTest, type FailureStatuses } from "./failure-status.ts";

/** What the adapters of all HTTP clients understand. */
export interface HttpClientOptions {
  /** Which statuses count as failures: a list, or a function. Default 408, 429, 500, 502, 503 and 504. */
  readonly failOn?: FailureStatuses;
  /** Whether requests that are not idempotent may be sent again. Default false. */
  readonly retryNonIdempotent?: boolean;
}

/** What those need that get bodies as streams. */
export interface HttpStreamOptions extends HttpClientOptions {
  /** Whether a status that counts as a failure becomes an error for the caller too. Default false: it gets the answer. */
  readonly throwOnFailure?: boolean;
  /** Request bodies that can be read once are kept in memory up to this size, to be sent again. Default 0: none is. */
  readonly bufferBodyBytes?: number;
  /** How much of a failed answer's body is read to free its connection. Default 65 536; 0 to read nothing. */
  readonly drainBytes?: number;
  /** How long an attempt that failed waits for that. Default 100. */
  readonly drainMs?: number;
  /** Default the system's. */
  readonly clock?: Clock;
}

export const httpClientDefaults: Required<Pick<HttpStreamOptions, "retryNonIdempotent">> = {
  retryNonIdempotent: false,
};

export const httpStreamDefaults: Required<Omit<HttpStreamOptions, "failOn" | "clock">> = {
  ...httpClientDefaults,
  throwOnFailure: false,
  bufferBodyBytes: 0,
  drainBytes: 65_536,
  drainMs: 100,
};

export interface HttpClientSettings {
  readonly isFailure: (status: number) => boolean;
  readonly retryNonIdempotent: boolean;
}

export interface HttpStreamSettings extends HttpClientSettings {
  readonly throwOnFailure: boolean;
  readonly bufferBodyBytes: number;
  readonly drainBytes: number;
  readonly drainMs: number;
  readonly clock: Clock;
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkClientOptions(
  adapter: string,
  policy: Policy<unknown>,
  options: HttpClientOptions,
  names: readonly string[] = [],
): HttpClientSettings {
  if (typeof policy?.execute !== "function") {
    throw new InvalidArgumentError(`${adapter}.policy`, "must be a policy", policy);
  }
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`${adapter} options`, "must be an object", options);
  }
  const known = ["failOn", "retryNonIdempotent", ...names];
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      throw new InvalidArgumentError(`${adapter}.${name}`, `is no option; there are ${known.join(", ")}`, value);
    }
  }
  const { failOn, retryNonIdempotent = httpClientDefaults.retryNonIdempotent } = options;
  checkFlag(`${adapter}.retryNonIdempotent`, retryNonIdempotent);
  return { isFailure: toFailureTest(`${adapter}.failOn`, failOn), retryNonIdempotent };
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkStreamOptions(
  adapter: string,
  policy: Policy<unknown>,
  options: HttpStreamOptions,
  names: readonly string[] = [],
): HttpStreamSettings {
  const own = ["throwOnFailure", "bufferBodyBytes", "drainBytes", "drainMs", "clock"];
  const client = checkClientOptions(adapter, policy, options, [...own, ...names]);
  const {
    throwOnFailure = httpStreamDefaults.throwOnFailure,
    bufferBodyBytes = httpStreamDefaults.bufferBodyBytes,
    drainBytes = httpStreamDefaults.drainBytes,
    drainMs = httpStreamDefaults.drainMs,
    clock = systemClock,
  } = options;
  checkFlag(`${adapter}.throwOnFailure`, throwOnFailure);
  checkCount(`${adapter}.bufferBodyBytes`, bufferBodyBytes);
  checkCount(`${adapter}.drainBytes`, drainBytes);
  checkCount(`${adapter}.drainMs`, drainMs);
  if (typeof clock?.setTimer !== "function")
    throw new InvalidArgumentError(`${adapter}.clock`, "must be a clock", clock);
  return { ...client, throwOnFailure, bufferBodyBytes, drainBytes, drainMs, clock };
}

function checkFlag(name: string, value: unknown): void {
  if (typeof value !== "boolean") throw new InvalidArgumentError(name, "must be true or false", value);
}

function checkCount(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new InvalidArgumentError(name, "must be an integer >= 0", value);
  }
}
