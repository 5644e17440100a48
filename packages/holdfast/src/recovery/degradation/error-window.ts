const slices = 10;

/** Calls and failures of the last `windowMs`, by ten slices: constant time and memory, no timer. */
export class ErrorWindow {
  readonly #sliceMs: number;
  readonly #calls = new Float64Array(slices);
  readonly #failures = new Float64Array(slices);
  #latest = -Infinity;

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / slices;
  }

  record(at: number, isFailure: boolean): void {
    this.#advance(at);
    const place = mod(this.#latest);
    this.#calls[place] = (this.#calls[place] ?? 0) + 1;
    if (isFailure) this.#failures[place] = (this.#failures[place] ?? 0) + 1;
  }

  /** `errorRate` is 0..1; null without calls. */
  read(at: number): { readonly calls: number; readonly errorRate: number | null } {
    this.#advance(at);
    const calls = this.#calls.reduce((sum, each) => sum + each, 0);
    const failures = this.#failures.reduce((sum, each) => sum + each, 0);
    return { calls, errorRate: calls === 0 ? null : failures / calls };
  }

  clear(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
  }

  #advance(at: number): void {
    const slice = Math.floor(at / this.#sliceMs);
    if (slice <= this.#latest) return;
    if (slice - this.#latest >= slices) this.clear();
    else {
      for (let gone = this.#latest + 1; gone <= slice; gone++) this.#calls[mod(gone)] = this.#failures[mod(gone)] = 0;
    }
    this.#latest = slice;
  }
}

/** The remainder that is never negative, for clocks that start below zero. */
function mod(slice: number): number {
  return ((slice % slices) + slices) % slices;
}
