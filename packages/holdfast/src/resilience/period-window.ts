import { outcome, type BreakerWindow, type Now, type WindowState } from "./breaker-window.ts";

/**
 * The failures of the last `ms` milliseconds, exactly: a ring of their times as long as the limit, because more than
 * that many never need to be known. A slow call counts as a failure here; successes are not kept.
 */
export class PeriodWindow implements BreakerWindow {
  readonly kind = "period";
  readonly slow = 0;
  readonly #ms: number;
  readonly #times: Float64Array;
  /** Where the next failure goes. */
  #at = 0;
  #count = 0;

  constructor(ms: number, limit: number) {
    this.#ms = ms;
    this.#times = new Float64Array(limit);
  }

  get calls(): number {
    return this.#count;
  }

  get failures(): number {
    return this.#count;
  }

  get limitReached(): boolean {
    return this.#count === this.#times.length;
  }

  record(bits: number, clock: Now): void {
    if (bits === outcome.success && this.#count === 0) return;
    const now = clock.now();
    this.#forget(now);
    if (bits !== outcome.success) this.#add(now);
  }

  expire(clock: Now): void {
    if (this.#count > 0) this.#forget(clock.now());
  }

  clear(): void {
    this.#count = 0;
  }

  save(clock: Now): WindowState {
    this.expire(clock);
    const now = clock.now();
    return { kind: "period", agesMs: Array.from({ length: this.#count }, (_, at) => now - this.#time(at)) };
  }

  restore(state: WindowState, clock: Now): void {
    if (state.kind !== "period") return;
    const now = clock.now();
    for (const age of state.agesMs) this.#add(now - age);
    this.#forget(now);
  }

  /** The time of the failure before which there are `older` others. */
  #time(older: number): number {
    const length = this.#times.length;
    return this.#times[(this.#at - this.#count + older + length) % length] ?? 0;
  }

  #add(time: number): void {
    this.#times[this.#at] = time;
    this.#at = this.#at + 1 === this.#times.length ? 0 : this.#at + 1;
    if (this.#count < this.#times.length) this.#count++;
  }

  #forget(now: number): void {
    while (this.#count > 0 && now - this.#time(0) >= this.#ms) this.#count--;
  }
}
