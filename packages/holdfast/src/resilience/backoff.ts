import { checkNumber, checkOptionNames } from "../errors/base.ts";
import { unfold, type Schedule } from "./schedule.ts";

export interface BackoffOptions {
  /** The first delay, milliseconds >= 0. Default 100. */
  readonly baseMs?: number;
  /** No delay is longer, milliseconds >= 0. Default Infinity: `maxDelayMs` of the retry cuts it anyway. */
  readonly maxMs?: number;
}

export interface ExponentialBackoffOptions extends BackoffOptions {
  /** Each delay is so many times the one before it; >= 1. Default 2. */
  readonly factor?: number;
}

export const backoffDefaults: Required<ExponentialBackoffOptions> = { baseMs: 100, maxMs: Infinity, factor: 2 };

/** Always the same delay. @throws InvalidArgumentError unless `delayMs` is a number >= 0 */
export function constantBackoff(delayMs: number): Schedule {
  checkNumber("constantBackoff.delayMs", delayMs, 0);
  const schedule: Schedule = { timed: false, next: () => step };
  const step = { delayMs, rest: schedule };
  return schedule;
}

/** `base`, `2 × base`, `3 × base`, … @throws InvalidArgumentError for options out of range */
export function linearBackoff(options: BackoffOptions = {}): Schedule {
  const { baseMs, maxMs } = checked("linearBackoff", options, ["baseMs", "maxMs"]);
  return unfold(1, (n) => [Math.min(baseMs * n, maxMs), n + 1]);
}

/** `base`, `base × factor`, `base × factor²`, … @throws InvalidArgumentError for options out of range */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Schedule {
  const { baseMs, maxMs, factor } = checked("exponentialBackoff", options, ["baseMs", "maxMs", "factor"]);
  // Multiplying what was already cut never overflows into a product of zero and infinity.
  return unfold(Math.min(baseMs, maxMs), (delayMs) => [delayMs, Math.min(delayMs * factor, maxMs)]);
}

/** `base` times 1, 1, 2, 3, 5, 8, … @throws InvalidArgumentError for options out of range */
export function fibonacciBackoff(options: BackoffOptions = {}): Schedule {
  const { baseMs, maxMs } = checked("fibonacciBackoff", options, ["baseMs", "maxMs"]);
  const first = Math.min(baseMs, maxMs);
  return unfold<readonly [number, number]>([first, first], ([delayMs, after]) => [
    delayMs,
    [after, Math.min(delayMs + after, maxMs)],
  ]);
}

function checked(
  name: string,
  options: ExponentialBackoffOptions,
  names: readonly string[],
): Required<ExponentialBackoffOptions> {
  checkOptionNames(name, options, names);
  const { baseMs, maxMs, factor } = { ...backoffDefaults, ...options };
  checkNumber(`${name}.baseMs`, baseMs, 0);
  checkNumber(`${name}.maxMs`, maxMs, 0, Infinity);
  checkNumber(`${name}.factor`, factor, 1);
  return { baseMs, maxMs, factor };
}
