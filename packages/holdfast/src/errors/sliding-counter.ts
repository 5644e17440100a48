/**
 * How often something happened in the last `windowMs`, counted by slices: constant memory and time, no timer; what is old is
 * dropped when somebody counts or looks.
 *
 * The window ends with the slice that is under way, so it covers between `windowMs` less one slice, and `windowMs`.
 */
export class SlidingCounter {
  readonly #sliceMs: number;
  readonly #counts: Uint32Array;
  /** Number of the newest slice; its place in the ring is the remainder. */
  #latest = -Infinity;
  #first = Infinity;
  #total = 0;

  constructor(windowMs: number, slices: number) {
    this.#sliceMs = windowMs / slices;
    this.#counts = new Uint32Array(slices);
  }

  /** @param now monotonic milliseconds; an earlier time than before counts as that */
  add(now: number, count = 1): void {
    this.#advance(now);
    const at = mod(this.#latest, this.#counts.length);
    this.#counts[at] = (this.#counts[at] as number) + count;
    this.#total += count;
    if (this.#latest < this.#first) this.#first = this.#latest;
  }

  count(now: number): number {
    this.#advance(now);
    return this.#total;
  }

  /** The complete slices of the window since the first count, oldest first; the one under way is not among them. */
  completeSlices(now: number): number[] {
    this.#advance(now);
    const { length } = this.#counts;
    const values: number[] = [];
    for (let slice = Math.max(this.#first, this.#latest - length + 1); slice < this.#latest; slice++) {
      values.push(this.#counts[mod(slice, length)] as number);
    }
    return values;
  }

  /** Milliseconds of the window that were watched: since the first count, at least one slice, at most the window. */
  spanMs(now: number): number {
    this.#advance(now);
    const since = Math.max(this.#first, this.#latest - this.#counts.length + 1) * this.#sliceMs;
    return this.#first === Infinity ? 0 : Math.max(this.#sliceMs, now - since);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#latest = -Infinity;
    this.#first = Infinity;
    this.#total = 0;
  }

  #advance(now: number): void {
    const slice = Math.floor(now / this.#sliceMs);
    if (slice <= this.#latest) return;
    const { length } = this.#counts;
    if (slice - this.#latest >= length) {
      if (this.#total > 0) this.#counts.fill(0);
      this.#total = 0;
    } else if (this.#total > 0) {
      for (let gone = this.#latest + 1; gone <= slice; gone++) {
        const at = mod(gone, length);
        this.#total -= this.#counts[at] as number;
        this.#counts[at] = 0;
      }
    }
    this.#latest = slice;
  }
}

/** The remainder that is never negative. */
function mod(value: number, by: number): number {
  const rest = value % by;
  return rest < 0 ? rest + by : rest;
}
