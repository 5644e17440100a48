import { checkInteger, checkNumber, InvalidArgumentError } from "../../errors/base.ts";

/** Half the buckets of a power of two: values in one bucket differ by less than 1/1024, three significant digits. */
const halfBits = 10;
const half = 1 << halfBits;
/** One hour, in microseconds; it fits 32 bits. */
const mostUs = 3_600_000_000;
const buckets = bucketOf(mostUs) + 1;

/** A histogram as data, for a file or another process: counts by bucket, without the empty ones. */
export interface HistogramData {
  readonly unit: "us";
  readonly significantDigits: 3;
  readonly minUs: number;
  readonly maxUs: number;
  readonly sumUs: number;
  /** How many values were beyond an hour; they are counted as an hour. */
  readonly saturated: number;
  /** Bucket and count in turn, buckets ascending. */
  readonly counts: readonly number[];
}

/** What is mostly asked of a histogram; null where nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly minMs: number | null;
  readonly meanMs: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
}

/**
 * Times from a microsecond to an hour, with three significant digits, in constant time each: a log-linear histogram after
 * G. Tene's HdrHistogram, whose bucket is read off the number's leading bits. 190 kB, whatever is recorded.
 *
 * @example
 * const histogram = new Histogram();
 * histogram.record(1.25);
 * histogram.quantile(0.99); // 1.25
 */
export class Histogram {
  readonly #counts = new Float64Array(buckets);
  #count = 0;
  #sumUs = 0;
  #minUs = Infinity;
  #maxUs = 0;
  #saturated = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact to the microsecond, as the next two; NaN without any value. */
  get minMs(): number {
    return this.#count === 0 ? Number.NaN : this.#minUs / 1000;
  }

  get maxMs(): number {
    return this.#count === 0 ? Number.NaN : this.#maxUs / 1000;
  }

  get meanMs(): number {
    return this.#sumUs / this.#count / 1000;
  }

  /** How many values were beyond an hour; they are counted as an hour. */
  get saturated(): number {
    return this.#saturated;
  }

  /** Counts a time; below zero as zero, beyond an hour as an hour. NaN is refused: @throws InvalidArgumentError */
  record(ms: number): void {
    let us = Math.round(ms * 1000);
    if (!(us >= 0)) {
      if (Number.isNaN(us)) throw new InvalidArgumentError("histogram.ms", "must be a number", ms);
      us = 0;
    } else if (us > mostUs) {
      us = mostUs;
      this.#saturated++;
    }
    const bucket = bucketOf(us);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    this.#sumUs += us;
    if (us < this.#minUs) this.#minUs = us;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /**
   * The value in milliseconds at or below which the share `q` of the values lies, 0 <= q <= 1: never less than the exact
   * one, and more by at most 0.1 %. NaN without any.
   *
   * @throws InvalidArgumentError
   */
  quantile(q: number): number {
    checkNumber("histogram.quantile", q, 0, 1);
    if (this.#count === 0) return Number.NaN;
    const rank = Math.min(this.#count, Math.max(1, Math.ceil(q * this.#count)));
    let bucket = -1;
    for (let seen = 0; seen < rank;) seen += this.#counts[++bucket] as number;
    return Math.min(upperUs(bucket), this.#maxUs) / 1000;
  }

  summary(): LatencySummary {
    const at = (q: number): number | null => (this.#count === 0 ? null : this.quantile(q));
    return {
      count: this.#count,
      minMs: this.#count === 0 ? null : this.minMs,
      meanMs: this.#count === 0 ? null : this.meanMs,
      p50Ms: at(0.5),
      p90Ms: at(0.9),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      p999Ms: at(0.999),
      maxMs: this.#count === 0 ? null : this.maxMs,
    };
  }

  /** Adds all that the other one counts. */
  merge(other: Histogram): void {
    for (let bucket = 0; bucket < buckets; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number);
    }
    this.#count += other.#count;
    this.#sumUs += other.#sumUs;
    this.#saturated += other.#saturated;
    this.#minUs = Math.min(this.#minUs, other.#minUs);
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = this.#sumUs = this.#maxUs = this.#saturated = 0;
    this.#minUs = Infinity;
  }

  export(): HistogramData {
    const counts: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) counts.push(bucket, count);
    return {
      unit: "us",
      significantDigits: 3,
      minUs: this.#count === 0 ? 0 : this.#minUs,
      maxUs: this.#maxUs,
      sumUs: this.#sumUs,
      saturated: this.#saturated,
      counts,
    };
  }

  /** @throws InvalidArgumentError on what `export` cannot have given */
  static import(data: HistogramData): Histogram {
    const { unit, significantDigits, counts } = data;
    if (unit !== "us" || significantDigits !== 3) {
      throw new InvalidArgumentError("histogram", "must be in us with 3 significant digits", unit);
    }
    if (!Array.isArray(counts) || counts.length % 2 !== 0) {
      throw new InvalidArgumentError("histogram.counts", "must be pairs of bucket and count", counts);
    }
    const histogram = new Histogram();
    for (let at = 0; at < counts.length; at += 2) {
      const bucket = checkInteger(`histogram.counts[${at}]`, counts[at], 0, buckets - 1);
      const count = checkInteger(`histogram.counts[${at + 1}]`, counts[at + 1], 1);
      if (at > 0 && bucket <= (counts[at - 2] as number)) {
        throw new InvalidArgumentError(`histogram.counts[${at}]`, "must be beyond the bucket before", bucket);
      }
      histogram.#counts[bucket] = count;
      histogram.#count += count;
    }
    histogram.#sumUs = checkNumber("histogram.sumUs", data.sumUs, 0);
    histogram.#saturated = checkInteger("histogram.saturated", data.saturated, 0);
    if (histogram.#count === 0) return histogram;
    histogram.#minUs = checkInteger("histogram.minUs", data.minUs, 0, mostUs);
    histogram.#maxUs = checkInteger("histogram.maxUs", data.maxUs, data.minUs, mostUs);
    return histogram;
  }
}

/** The leading 11 bits of an integer below 2^32, and how many bits follow them. */
function bucketOf(us: number): number {
  const shift = 31 - halfBits - Math.clz32(us | (half * 2 - 1));
  return shift * half + (us >>> shift);
}

/** The largest value of a bucket. */
function upperUs(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / half) - 1);
  return (bucket - shift * half + 1) * 2 ** shift - 1;
}
