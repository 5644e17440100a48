import { MovingQuantile } from "./quantile.ts";

/** How a limit follows what calls really take. */
export interface AdaptiveLimitOptions {
  /** The limit until `minimumSamples` calls have ended, milliseconds >= 1. Default 5 000. */
  readonly baseMs: number;
  /** The limit is never less: milliseconds >= 1. Default 100. */
  readonly floorMs: number;
  /** The limit is never more: milliseconds >= `floorMs`. Default 30 000. */
  readonly ceilingMs: number;
  /** How many of the last calls count: an integer from 1 to 1 000 000. Default 100. */
  readonly window: number;
  /** Which quantile of their durations is looked at: 0.01 to 1. Default 0.95. */
  readonly quantile: number;
  /** By what the quantile is multiplied: >= 1. Default 2. */
  readonly factor: number;
  /** Calls before the limit follows them: an integer >= 1, at most `window`. Default 10. */
  readonly minimumSamples: number;
  /** The quantile counts as at most this many times what it is when all is well: >= 1. Default 3. */
  readonly maxDrift: number;
}

/** By how much what is normal may change from one window to the next. */
const learnedPerWindow = 1.1;

/**
 * A limit of `factor` times a quantile of recent durations, times 1.5 above a load of 80, 1.2 above 60.
 *
 * A call that runs out of time counts as if it had ended at its limit. Without that a dependency that became slower would
 * never be seen to have; with it alone, every window of timeouts would raise the limit by `factor`, up to the ceiling,
 * and a long incident would take the limit away just when it is needed. So the quantile counts as at most `maxDrift`
 * times its baseline, and the baseline learns from healthy windows only, at most 10 % each.
 */
export class AdaptiveLimit {
  readonly options: AdaptiveLimitOptions;
  readonly durations: MovingQuantile;
  /** The quantile when all is well; undefined until the first samples. */
  baselineMs: number | undefined;
  #windowCalls = 0;
  #windowTimeouts = 0;

  constructor(options: AdaptiveLimitOptions) {
    this.options = options;
    this.durations = new MovingQuantile(options.window);
  }

  /** The limit for a call that starts now; `load` is 0 to 100. */
  limitMs(load: number): number {
    const { baseMs, floorMs, ceilingMs, factor, maxDrift } = this.options;
    const loadFactor = load > 80 ? 1.5 : load > 60 ? 1.2 : 1;
    const baseline = this.baselineMs;
    if (baseline === undefined) return clamp(baseMs * loadFactor, floorMs, ceilingMs);
    const quantile = this.durations.quantile(this.options.quantile);
    return clamp(factor * loadFactor * Math.min(quantile, maxDrift * baseline), floorMs, ceilingMs);
  }

  /** Counts a call that succeeded, or ran out of time after `durationMs`. Failures and given up calls say nothing. */
  record(durationMs: number, timedOut: boolean): void {
    const { quantile, minimumSamples, window } = this.options;
    this.durations.record(durationMs);
    this.#windowCalls++;
    if (timedOut) this.#windowTimeouts++;
    const first = this.baselineMs === undefined;
    if (this.#windowCalls < (first ? minimumSamples : window)) return;
    if (first) {
      // A start into an incident must not make it the norm: the base is what the operator believes.
      const seen = this.durations.quantile(quantile);
      this.baselineMs = this.#windowTimeouts > 0 ? Math.min(seen, this.options.baseMs / this.options.factor) : seen;
    } else if (this.#windowTimeouts <= ((1 - quantile) / 2) * this.#windowCalls) {
      // So few ran out of time that the quantile is a duration that a call really had, not the limit itself.
      const baseline = this.baselineMs as number;
      this.baselineMs = clamp(
        this.durations.quantile(quantile),
        baseline / learnedPerWindow,
        baseline * learnedPerWindow,
      );
    }
    this.#windowCalls = 0;
    this.#windowTimeouts = 0;
  }

  /** Forgets everything, for a dependency that has changed for good. */
  reset(): void {
    this.durations.clear();
    this.baselineMs = undefined;
    this.#windowCalls = 0;
    this.#windowTimeouts = 0;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
