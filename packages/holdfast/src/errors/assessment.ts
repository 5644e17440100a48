import { InvalidArgumentError } from "./invalid-argument.ts";
import { ErrorShape } from "./error-shape.ts";
import type { ErrorContext } from "./failure.ts";
import type { HoldfastError } from "./holdfast-error.ts";
import { severityOf } from "./severity.ts";

/** Whether the same call may succeed later. */
export function isTransient(error: Pick<HoldfastError, "retryable">): boolean {
  return error.retryable;
}

export interface RetryDelayOptions {
  /** No delay is longer: milliseconds >= 0. Default 60 000. */
  readonly maxDelayMs?: number;
}

/**
 * How long to wait before another try: what the other side asked for, else for a timeout `timeout × 2^retryCount`.
 *
 * @returns milliseconds, 0 to `maxDelayMs`; undefined when the error is not transient, or says nothing about it
 * @throws InvalidArgumentError
 */
export function retryDelayMs(error: HoldfastError, options: RetryDelayOptions = {}): number | undefined {
  const { maxDelayMs = 60_000 } = options;
  if (!(maxDelayMs >= 0)) throw new InvalidArgumentError("retryDelayMs.maxDelayMs", "must be >= 0", maxDelayMs);
  if (!error.retryable) return undefined;
  const { retryAfterMs, timeoutMs, retryCount } = error as HoldfastError & Delays;
  if (typeof retryAfterMs === "number") return Math.min(maxDelayMs, Math.max(0, retryAfterMs));
  if (error.kind !== "timeout" || typeof timeoutMs !== "number" || !(timeoutMs >= 0)) return undefined;
  // 2^1023 is the last power that is a number; a timeout of 0 ms times infinity would be none.
  const doublings = Math.min(1023, Math.max(0, typeof retryCount === "number" ? retryCount : 0));
  return Math.min(maxDelayMs, timeoutMs * 2 ** doublings);
}

interface Delays {
  readonly retryAfterMs?: unknown;
  readonly timeoutMs?: unknown;
  readonly retryCount?: unknown;
}

const contextFields = [
  "effect",
  "rule",
  "retryAfterMs",
  "operation",
  "timeoutMs",
  "retryCount",
  "conflictResolution",
  "resourceType",
  "resourceId",
  "component",
  "timestamp",
] as const;

/** Everything about an error that a log line or a metric takes: flat, the error's own fields before its `context`. */
export function errorContext(error: HoldfastError): ErrorContext {
  const { code, kind, retryable, message } = error;
  const shape = new ErrorShape(error);
  const own: Record<string, string | number | boolean> = {
    code,
    kind,
    severity: severityOf(error),
    transient: retryable,
    message: new ErrorShape({ message }).message,
  };
  for (const field of contextFields) {
    const value = shape.text(field) ?? shape.number(field);
    if (value !== undefined && value !== "") own[field] = value;
  }
  return { ...(error as { readonly context?: ErrorContext }).context, ...own };
}
