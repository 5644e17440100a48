import type { RandomSource } from "../../runtime/index.ts";

/**
 * Ranks from 0 of which the k-th comes with a probability proportional to (k + 1)^-exponent: exact, in constant time, and
 * without a sum over all ranks, so that their number may be large and may change between draws. By rejection-inversion
 * (W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS
 * 6(3), 1996), where the usual generator of benchmarks (J. Gray et al., "Quickly generating billion-record synthetic
 * databases", SIGMOD 1994) is an approximation beyond the second rank.
 */
export class Zipf {
  readonly #random: RandomSource;
  readonly #exponent: number;
  /** The area under the hat, from the first rank's end of it. */
  readonly #first: number;
  /** Within this distance of its rank, a point is under the histogram for certain. */
  readonly #certain: number;
  #count = 0;
  #last = 0;

  /** @param exponent greater than 0 */
  constructor(exponent: number, random: RandomSource) {
    this.#random = random;
    this.#exponent = exponent;
    this.#first = this.#area(1.5) - 1;
    this.#certain = 2 - this.#areaInverse(this.#area(2.5) - this.#density(2));
  }

  /** A rank below `count`, which must be at least 1. */
  next(count: number): number {
    if (count !== this.#count) {
      this.#count = count;
      this.#last = this.#area(count + 0.5);
    }
    for (;;) {
      const area = this.#last + this.#random.next() * (this.#first - this.#last);
      const at = this.#areaInverse(area);
      const rank = Math.max(1, Math.min(count, Math.round(at)));
      if (rank - at <= this.#certain || area >= this.#area(rank + 0.5) - this.#density(rank)) return rank - 1;
    }
  }

  #density(x: number): number {
    return Math.exp(-this.#exponent * Math.log(x));
  }

  /** The integral of the density: ((x^(1 - s) - 1) / (1 - s), or ln x where s is 1, without a seam between the two. */
  #area(x: number): number {
    const log = Math.log(x);
    const scaled = (1 - this.#exponent) * log;
    return log * (Math.abs(scaled) < 1e-8 ? 1 + scaled / 2 : Math.expm1(scaled) / scaled);
  }

  #areaInverse(area: number): number {
    // Rounding may take it below what any x gives.
    const scaled = Math.max(-1, (1 - this.#exponent) * area);
    return Math.exp(area * (Math.abs(scaled) < 1e-8 ? 1 - scaled / 2 : Math.log1p(scaled) / scaled));
  }
}
