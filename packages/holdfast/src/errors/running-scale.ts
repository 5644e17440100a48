/** Mean and spread of each feature so far, to bring features to one scale (Welford's method: no catastrophic cancellation). */
export class RunningScale {
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(features: number) {
    this.#means = new Float64Array(features);
    this.#squares = new Float64Array(features);
  }

  /** As it is now: what it learns afterwards does not change the copy. */
  copy(): RunningScale {
    const copy = new RunningScale(this.#means.length);
    copy.#means.set(this.#means);
    copy.#squares.set(this.#squares);
    copy.#count = this.#count;
    return copy;
  }

  learn(features: Float64Array): void {
    this.#count++;
    for (let i = 0; i < features.length; i++) {
      const value = features[i] as number;
      const off = value - (this.#means[i] as number);
      this.#means[i] = (this.#means[i] as number) + off / this.#count;
      this.#squares[i] = (this.#squares[i] as number) + off * (value - (this.#means[i] as number));
    }
  }

  /** In deviations from the mean, at most four: one wild value must not decide alone. */
  apply(features: Float64Array, into: Float64Array = new Float64Array(features.length)): Float64Array {
    for (let i = 0; i < features.length; i++) {
      const deviation = Math.sqrt((this.#squares[i] as number) / Math.max(1, this.#count));
      const off = (features[i] as number) - (this.#means[i] as number);
      into[i] = deviation < 1e-9 ? 0 : Math.max(-4, Math.min(4, off / deviation));
    }
    return into;
  }
}
