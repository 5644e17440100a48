/** The latest intervals between heartbeats, with their mean and deviation at hand. */
export class ArrivalHistory {
  readonly #intervals: number[] = [];
  readonly #maxSamples: number;
  #next = 0;
  #sum = 0;
  #squares = 0;

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  get size(): number {
    return this.#intervals.length;
  }

  get mean(): number {
    return this.#sum / this.#intervals.length;
  }

  get deviation(): number {
    const variance = this.#squares / this.#intervals.length - this.mean ** 2;
    // Rounding can leave a little less than nothing.
    return Math.sqrt(Math.max(0, variance));
  }

  add(intervalMs: number): void {
    const old = this.#intervals[this.#next];
    this.#intervals[this.#next] = intervalMs;
    this.#next = (this.#next + 1) % this.#maxSamples;
    this.#sum += intervalMs - (old ?? 0);
    this.#squares += intervalMs ** 2 - (old ?? 0) ** 2;
    if (this.#next === 0) this.#recount();
  }

  /** Once a round, so that errors of rounding do not pile up. */
  #recount(): void {
    this.#sum = 0;
    this.#squares = 0;
    for (const interval of this.#intervals) {
      this.#sum += interval;
      this.#squares += interval ** 2;
    }
  }
}
