import { isArray } from "./error-json.ts";
import { cut, ErrorShape } from "./error-shape.ts";
import { InvalidArgumentError } from "./invalid-argument.ts";

/** No aggregate holds more errors; the message counts also those that were left out. */
export const maxAggregatedErrors = 1000;

/**
 * Makes one standard `AggregateError` of many: aggregates inside are taken apart, an error that is there twice counts
 * once, and the message says how often each message came.
 *
 * @param message what failed; stands before the counts. Default `n errors`
 * @throws InvalidArgumentError if there are none
 * @example
 * aggregateErrors(results.filter((r) => r.status === "rejected").map((r) => r.reason), "broadcast");
 * // AggregateError: broadcast: connect ECONNREFUSED 127.0.0.1:1 (2 times), timeout
 */
export function aggregateErrors(errors: readonly unknown[], message?: string): AggregateError {
  if (!isArray(errors) || errors.length === 0) {
    throw new InvalidArgumentError("aggregateErrors.errors", "must be a list of at least one error", errors);
  }
  const flat = flatten(errors);
  const counts = new Map<string, number>();
  for (const error of flat) {
    const text = new ErrorShape(error).message;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const parts = [...counts].slice(0, 5).map(([text, count]) => {
    const short = text.length > 120 ? `${text.slice(0, 120)}…` : text;
    return count === 1 ? short : `${short} (${count} times)`;
  });
  if (counts.size > parts.length) parts.push(`and ${counts.size - parts.length} others`);
  const what = message ?? (flat.length === 1 ? "1 error" : `${flat.length} errors`);
  return new AggregateError(flat.slice(0, maxAggregatedErrors), cut(`${what}: ${parts.join(", ")}`));
}

function flatten(errors: readonly unknown[]): unknown[] {
  const flat: unknown[] = [];
  const seen = new Set<unknown>();
  const pending = [...errors].reverse();
  while (pending.length > 0 && flat.length < 10 * maxAggregatedErrors) {
    const error = pending.pop();
    const shape = new ErrorShape(error);
    if (shape.isObject && seen.has(error)) continue;
    if (shape.isObject) seen.add(error);
    const inner = shape.name === "AggregateError" ? shape.get("errors") : undefined;
    if (isArray(inner) && inner.length > 0) pending.push(...inner.slice(0, maxAggregatedErrors).reverse());
    else flat.push(error);
  }
  return flat;
}
