import { InvalidArgumentError } from "../../errors/base.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const longestMs = 24 * 3_600_000;

/**
 * Milliseconds of `250ms`, `1.5s`, `2m`, `1h`, or of a number, which is milliseconds already; at most a day.
 *
 * @throws InvalidArgumentError
 */
export function readDuration(name: string, value: unknown, leastMs: number = 0): number {
  const [, digits = "", unit = ""] = typeof value === "string" ? (/^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) ?? []) : [];
  const ms = typeof value === "number" ? value : Number(digits) * (unitMs[unit] ?? NaN);
  // Written so that NaN is refused, too.
  if (ms >= leastMs && ms <= longestMs) return ms;
  const least = leastMs > 0 ? ` of at least ${leastMs} ms` : "";
  throw new InvalidArgumentError(name, `must be a duration${least} like 500ms, 2s or 1m`, value);
}
