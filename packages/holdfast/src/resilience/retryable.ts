import { HoldfastError } from "../errors/base.ts";

/** The codes with which policies turn a call away before it begins: trying again at once only adds to the crowd. */
const rejections: ReadonlySet<string> = new Set([
  "BULKHEAD_CLOSED",
  "BULKHEAD_FULL",
  "BULKHEAD_WAIT_TIMEOUT",
  "CIRCUIT_OPEN",
  "CONCURRENCY_LIMITED",
  "RATE_LIMITED",
  "RETRY_QUEUE_FULL",
  "THROTTLED",
]);

/** Whether a policy turned the call away before the operation was called. By code: also one of another copy. */
export function isRejection(error: unknown): boolean {
  return HoldfastError.is(error) && rejections.has(error.code);
}

/**
 * Whether a failure may go away by itself, as far as it shows: Holdfast's own errors say so (`retryable`), an `AbortError`
 * was wanted by somebody, and of anything else nothing is known, so it may.
 */
export function isRetryable(error: unknown): boolean {
  if (HoldfastError.is(error)) return error.retryable;
  return (error as { readonly name?: unknown } | null | undefined)?.name !== "AbortError";
}
