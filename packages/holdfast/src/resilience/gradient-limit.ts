/** How a limit follows latency. Durations in milliseconds. */
export interface GradientSettings {
  /** Where the limit starts. */
  readonly initialLimit: number;
  readonly minLimit: number;
  readonly maxLimit: number;
  /** How much slower than the baseline is still no sign of a queue, a factor >= 1. */
  readonly tolerance: number;
  /** How much of a newly computed limit is taken over at a time, 0..1. */
  readonly smoothing: number;
  /** What the limit is multiplied by after a window with drops, 0..1. */
  readonly dropFactor: number;
  /** Above this no round trip counts as normal, however long it lasts. Infinity: no such bound. */
  readonly maxHealthyRttMs: number;
}

/** After so many windows without a round trip as short as the baseline, the baseline is measured anew. */
const probeAfter = 60;
/** The first measurement comes sooner: the limit to begin with may be too high already. */
const firstProbeAfter = 5;
/** One window in which what queues drains, one that measures. */
const probeWindows = 2;

/**
 * A limit on concurrency from the gradient of latency, after Gradient2 of Netflix' concurrency-limits: when round trips
 * take longer than they do without a queue, work queues somewhere, and the limit shrinks by that ratio; otherwise it
 * grows by an allowance for a short queue, the square root of the limit.
 *
 * Differences: one step for each window of samples, not for each sample; drops shrink the limit at once; and the
 * baseline is no long average, which follows an overload upward until slow counts as normal. It is the shortest round
 * trip of late, and when that is old the limit goes down for two windows to measure it without a queue (as BBR's ProbeRTT
 * does for congestion). `maxHealthyRttMs` bounds it for backends that are slow whatever the load.
 */
export class GradientLimit {
  settings: GradientSettings;
  #limit: number;
  #baselineMs = 0;
  /** Windows since the baseline was seen. */
  #age = probeAfter - firstProbeAfter;
  /** Windows left of the measurement under way. */
  #probing = 0;

  constructor(settings: GradientSettings) {
    this.settings = settings;
    this.#limit = settings.initialLimit;
  }

  get limit(): number {
    return Math.floor(this.#probing > 0 ? this.#probeLimit() : this.#limit);
  }

  /** What a round trip takes when nothing queues, milliseconds; 0 before the first window. */
  get baselineMs(): number {
    return this.#baselineMs;
  }

  /** Takes other bounds; the limit moves into them at once. */
  change(settings: GradientSettings): void {
    this.settings = settings;
    this.#limit = this.#bounded(this.#limit);
    this.#baselineMs = Math.min(this.#baselineMs, settings.maxHealthyRttMs);
  }

  /**
   * One window is over.
   *
   * @param rttMs the mean round trip, undefined when every call was dropped
   * @param maxInFlight the most calls that ran at once
   */
  update(rttMs: number | undefined, maxInFlight: number, dropped: boolean): void {
    const probed = this.#probing > 0;
    if (rttMs !== undefined) this.#measure(rttMs, maxInFlight);
    if (dropped) {
      this.#limit = this.#bounded(this.#limit * this.settings.dropFactor);
      return;
    }
    // With little to do, low latency says nothing about a higher limit.
    if (probed || rttMs === undefined || maxInFlight < this.#limit / 2) return;
    const { tolerance, smoothing } = this.settings;
    const gradient = Math.max(0.5, Math.min(1, (tolerance * this.#baselineMs) / Math.max(rttMs, Number.MIN_VALUE)));
    const next = this.#limit * gradient + Math.sqrt(this.#limit);
    this.#limit = this.#bounded(this.#limit * (1 - smoothing) + next * smoothing);
  }

  #measure(rttMs: number, maxInFlight: number): void {
    if (this.#probing > 0) {
      this.#probing--;
      if (this.#probing === 0) this.#take(rttMs);
    } else if (this.#baselineMs === 0) {
      this.#baselineMs = this.#healthy(rttMs);
    } else if (rttMs <= this.#baselineMs) {
      this.#take((this.#baselineMs + rttMs) / 2);
    } else if (maxInFlight <= this.#probeLimit()) {
      // So little runs that nothing can queue: as good as a measurement.
      this.#take(this.#baselineMs + (rttMs - this.#baselineMs) / 10);
    } else if (++this.#age >= probeAfter) {
      this.#probing = probeWindows;
    }
  }

  #take(baselineMs: number): void {
    this.#baselineMs = this.#healthy(baselineMs);
    this.#age = 0;
  }

  #healthy(rttMs: number): number {
    return Math.min(rttMs, this.settings.maxHealthyRttMs);
  }

  /** Below what settles at a backend's capacity, by half. */
  #probeLimit(): number {
    return this.#bounded(this.#limit / (2 * this.settings.tolerance));
  }

  #bounded(limit: number): number {
    return Math.min(this.settings.maxLimit, Math.max(this.settings.minLimit, limit));
  }
}
