import type { RandomSource } from "../runtime/system.ts";

/**
 * How a delay is spread, so that callers that failed together do not come back together (M. Brooker, "Exponential
 * Backoff and Jitter", AWS 2015). `full`: anywhere from nothing to the delay. `equal`: from half of it to all of it.
 * `decorrelated`: from the schedule's first delay to three times the delay before, so that the schedule's growth does not
 * matter. `none`: the delay itself.
 */
export type Jitter = "none" | "full" | "equal" | "decorrelated";

export const jitters: readonly Jitter[] = ["none", "full", "equal", "decorrelated"];

/** Delays of one execution, drawn one after the other; never negative, never above `maxDelayMs`, never NaN. */
export class DelayDraw {
  readonly #jitter: Jitter;
  readonly #random: RandomSource;
  readonly #maxDelayMs: number;
  #first: number | undefined;
  #previous: number | undefined;

  constructor(jitter: Jitter, random: RandomSource, maxDelayMs: number) {
    this.#jitter = jitter;
    this.#random = random;
    this.#maxDelayMs = maxDelayMs;
  }

  /** `atLeastMs` is what the other side asked for: it is never cut by jitter, only by the cap. */
  next(delayMs: number, atLeastMs: number): number {
    const whole = this.#within(delayMs);
    this.#first ??= whole;
    const drawn = this.#within(this.#spread(whole, this.#first));
    this.#previous = drawn;
    return Math.max(drawn, this.#within(atLeastMs));
  }

  #spread(whole: number, first: number): number {
    if (this.#jitter === "none") return whole;
    const random = this.#random.next();
    if (this.#jitter === "full") return whole * random;
    if (this.#jitter === "equal") return whole / 2 + (whole / 2) * random;
    const highest = Math.max(first, 3 * (this.#previous ?? first));
    return first + (highest - first) * random;
  }

  /** What is no number says nothing about haste: it becomes the longest delay, not none. */
  #within(delayMs: number): number {
    if (delayMs <= this.#maxDelayMs) return Math.max(0, delayMs);
    return this.#maxDelayMs;
  }
}
