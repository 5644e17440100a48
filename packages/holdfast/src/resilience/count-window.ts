import { outcome, type BreakerWindow, type WindowState } from "./breaker-window.ts";

/** The last `size` calls: a ring of two bits a call, with the sums kept while calls come and go. */
export class CountWindow implements BreakerWindow {
  readonly kind = "count";
  readonly limitReached = false;
  readonly #size: number;
  /** Sixteen calls a word. */
  readonly #ring: Uint32Array;
  /** Where the next call goes, which is where the oldest is once the ring is full. */
  #at = 0;
  calls = 0;
  failures = 0;
  slow = 0;

  constructor(size: number) {
    this.#size = size;
    this.#ring = new Uint32Array(Math.ceil(size / 16));
  }

  record(bits: number): void {
    const word = this.#at >>> 4;
    const shift = (this.#at & 15) << 1;
    const held = this.#ring[word] ?? 0;
    const evicted = (held >>> shift) & 3;
    if (this.calls < this.#size) this.calls++;
    // What was never written reads as a success, whose eviction changes no sum.
    this.failures += (bits & 1) - (evicted & 1);
    this.slow += (bits >>> 1) - (evicted >>> 1);
    if (bits !== evicted) this.#ring[word] = (held & ~(3 << shift)) | (bits << shift);
    this.#at = this.#at + 1 === this.#size ? 0 : this.#at + 1;
  }

  expire(): void {
    // Calls leave this window only for newer ones.
  }

  clear(): void {
    if (this.failures > 0 || this.slow > 0) this.#ring.fill(0);
    this.#at = 0;
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
  }

  save(): WindowState {
    let outcomes = "";
    for (let age = this.calls; age > 0; age--) {
      const at = (this.#at - age + this.#size) % this.#size;
      outcomes += String(((this.#ring[at >>> 4] ?? 0) >>> ((at & 15) << 1)) & 3);
    }
    return { kind: "count", outcomes };
  }

  restore(state: WindowState): void {
    if (state.kind !== "count") return;
    for (const digit of state.outcomes.slice(-this.#size)) {
      this.record(Number(digit) & (outcome.failure | outcome.slow));
    }
  }
}
