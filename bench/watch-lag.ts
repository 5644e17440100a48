const bucketMs = 0.01;
const buckets = 1_000_000;

/** Times up to 10 s, counted in hundredths of a millisecond. */
export class LagHistogram {
  readonly #counts = new Uint32Array(buckets);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  record(ms: number): void {
    this.#counts[Math.min(buckets - 1, Math.max(0, Math.floor(ms / bucketMs)))]!++;
    this.#count++;
    if (ms > this.#max) this.#max = ms;
  }

  /** The upper edge of the bucket that the quantile is in. @throws RangeError when nothing was recorded */
  quantile(q: number): number {
    if (this.#count === 0) throw new RangeError("nothing was recorded");
    const rank = Math.ceil(q * this.#count);
    let seen = 0;
    let bucket = -1;
    while (seen < rank) seen += this.#counts[++bucket]!;
    return (bucket + 1) * bucketMs;
  }
}
