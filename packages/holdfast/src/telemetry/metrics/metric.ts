/** What one is, beside what is measured with it. */
export interface MetricOptions<Label extends string = never> {
  /** As Prometheus has it: letters, digits, `_` and `:`, not a digit first; counters end in `_total`. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** What tells its series apart; at most 16. Default: nothing, it has one series. */
  readonly labels?: readonly Label[];
  /** How many series it may have; the rest share one more. Default: what `createMetrics` was given. */
  readonly maxSeries?: number;
}

export interface HistogramOptions<Label extends string = never> extends MetricOptions<Label> {
  /**
   * Upper bounds, ascending, 1 to 64 of them; another one without a bound comes after them. Default `durationBuckets`. Those
   * that `createMetrics` was given for the name go before both.
   */
  readonly buckets?: readonly number[];
}

/** Seconds, from what a call within a process takes to what nobody waits for any longer. */
export const durationBuckets: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** One value for each label. */
export type LabelValues<Label extends string> = Readonly<Record<Label, string>>;

/** A series that only rises. */
export interface Counter {
  /** Adds a number >= 0, 1 unless given; another is left out and counted. */
  add(amount?: number): void;
}

/** A series that rises and falls. */
export interface Gauge {
  set(value: number): void;
  /** Adds a number of either sign, 1 unless given. */
  add(amount?: number): void;
}

/** A series of how often values were how large. */
export interface Histogram {
  record(value: number): void;
}

/** A metric with all its series. */
export interface Metric<Series, Label extends string = never> {
  readonly name: string;
  /**
   * The series with these values, made when it is first asked for: keep it where it is used often, for recording to it
   * takes neither time to find nor memory. Beyond the bound it is the one that all others share, whose labels are all
   * `overflow`. Values longer than 128 characters are cut.
   *
   * @throws InvalidArgumentError when a label has no value, or one that it does not have
   */
  with(...labels: [Label] extends [never] ? [] : [labels: LabelValues<Label>]): Series;
  /** Forgets a series, of something that is gone; who still has it records to nowhere. */
  remove(labels: LabelValues<Label>): void;
}

/** One value, and the span it was recorded in. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What the values of a histogram came to. */
export interface HistogramValue {
  /** Per bucket, not cumulative; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
  /** The latest of each bucket, where metrics know the span. */
  readonly exemplars?: readonly (Exemplar | undefined)[];
}

/** A series, read. */
export interface SeriesReading {
  /** In the order of the metric's label names. */
  readonly labels: readonly string[];
  readonly value: number | HistogramValue;
}

/** A metric as whoever exports it sees it. */
export interface MetricView {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labelNames: readonly string[];
  /** Of a histogram; else empty. */
  readonly buckets: readonly number[];
  /** All series now. */
  readonly read: () => readonly SeriesReading[];
  /**
   * Of a histogram: tells every value recorded from now on with the labels of its series, for exporters that take values
   * one by one. Returns what takes it back.
   */
  readonly follow?: (listener: (value: number, labels: readonly string[]) => void) => () => void;
}
