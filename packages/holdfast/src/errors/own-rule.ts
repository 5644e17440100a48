import type { OwnRule } from "./classifier.ts";
import { isHoldfast } from "./error-json.ts";
import { ErrorShape } from "./error-shape.ts";
import { transientKinds } from "./failure.ts";

/** Codes of calls that were refused before they began. */
const withoutEffect: ReadonlySet<string> = new Set([
  "BULKHEAD_CLOSED",
  "BULKHEAD_FULL",
  "BULKHEAD_WAIT_TIMEOUT",
  "CIRCUIT_OPEN",
  "CONCURRENCY_LIMITED",
  "INVALID_ARGUMENT",
  "RATE_LIMITED",
  "THROTTLED",
  "UNREACHABLE",
]);

/** What a Holdfast error, of any room, says of itself; undefined for any other. */
export function ownRule(error: unknown): OwnRule | undefined {
  if (!isHoldfast(error)) return undefined;
  const { code, kind, retryable } = error;
  // Also the prototype of the class has the brand.
  if (typeof code !== "string" || !Object.hasOwn(transientKinds, kind)) return undefined;
  const effect = new ErrorShape(error).text("effect");
  const isNone = effect === "none" || (effect === undefined && withoutEffect.has(code));
  return { code, kind, transient: retryable, effect: isNone ? "none" : "unknown" };
}
