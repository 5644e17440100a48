import type { BreakerWindow, BucketState, Now, WindowState } from "./breaker-window.ts";

/**
 * The calls of the last `ms` milliseconds: a ring of buckets, each the sums of one part of that time. The bucket that
 * time has entered replaces the one that has become too old, however long nothing was recorded (an idle window that
 * forgot one bucket only would judge an hour later on old failures).
 */
export class TimeWindow implements BreakerWindow {
  readonly kind = "time";
  readonly limitReached = false;
  readonly #bucketMs: number;
  readonly #buckets: number;
  /** Calls, failures and slow calls of each bucket, by turns. */
  readonly #sums: Float64Array;
  /** The number, since the clock's start, of the bucket that time was in when it was last looked at. */
  #current = Number.NEGATIVE_INFINITY;
  /** Where that bucket's sums begin. */
  #at = 0;
  calls = 0;
  failures = 0;
  slow = 0;

  constructor(ms: number, buckets: number) {
    this.#bucketMs = ms / buckets;
    this.#buckets = buckets;
    this.#sums = new Float64Array(buckets * 3);
  }

  record(bits: number, clock: Now): void {
    this.expire(clock);
    this.#add(this.#at, 1, bits & 1, bits >>> 1);
  }

  expire(clock: Now): void {
    const bucket = Math.floor(clock.now() / this.#bucketMs);
    const passed = bucket - this.#current;
    if (passed <= 0) return;
    this.#current = bucket;
    if (passed >= this.#buckets || this.calls === 0) {
      if (this.calls > 0) this.clear();
      return;
    }
    for (let step = 0; step < passed; step++) this.#next();
  }

  clear(): void {
    this.#sums.fill(0);
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
  }

  save(clock: Now): WindowState {
    this.expire(clock);
    // A bucket stands for its middle, so that rounding never moves it into another one.
    const middleMs = clock.now() - (this.#current + 0.5) * this.#bucketMs;
    const buckets: BucketState[] = [];
    for (let age = this.#buckets - 1; age >= 0; age--) {
      const at = this.#before(age);
      const [calls, failures, slow] = this.#sums.subarray(at, at + 3) as unknown as [number, number, number];
      if (calls > 0) buckets.push({ ageMs: Math.max(0, middleMs + age * this.#bucketMs), calls, failures, slow });
    }
    return { kind: "time", buckets };
  }

  restore(state: WindowState, clock: Now): void {
    if (state.kind !== "time") return;
    this.expire(clock);
    const now = clock.now();
    for (const { ageMs, calls, failures, slow } of state.buckets) {
      const age = this.#current - Math.floor((now - ageMs) / this.#bucketMs);
      if (age < this.#buckets) this.#add(this.#before(Math.max(0, age)), calls, failures, slow);
    }
  }

  #add(at: number, calls: number, failures: number, slow: number): void {
    const sums = this.#sums;
    sums[at] = (sums[at] ?? 0) + calls;
    this.calls += calls;
    if (failures > 0) sums[at + 1] = (sums[at + 1] ?? 0) + failures;
    this.failures += failures;
    if (slow > 0) sums[at + 2] = (sums[at + 2] ?? 0) + slow;
    this.slow += slow;
  }

  /** Enters the next bucket, which held the oldest calls. */
  #next(): void {
    const at = this.#at + 3 === this.#sums.length ? 0 : this.#at + 3;
    const sums = this.#sums;
    this.#at = at;
    this.calls -= sums[at] ?? 0;
    this.failures -= sums[at + 1] ?? 0;
    this.slow -= sums[at + 2] ?? 0;
    sums.fill(0, at, at + 3);
  }

  #before(age: number): number {
    const length = this.#sums.length;
    return (this.#at - age * 3 + length) % length;
  }
}
