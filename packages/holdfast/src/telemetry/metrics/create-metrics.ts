import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { checkBuckets, checkMetric, mostSeries } from "./check-metric.ts";
import {
  durationBuckets,
  type Counter,
  type Gauge,
  type Histogram,
  type HistogramOptions,
  type Metric,
  type MetricOptions,
  type MetricView,
  type SeriesReading,
} from "./metric.ts";
import { CounterSeries, GaugeSeries, HistogramSeries, type ExemplarSource, type Followers } from "./series.ts";
import { SeriesTable } from "./series-table.ts";

export interface MetricsOptions {
  /** How many series a metric may have unless it says otherwise; those beyond share one. Default 1 000. */
  readonly maxSeries?: number;
  /** How many metrics there may be; defining one more is refused. Default 1 000. */
  readonly maxMetrics?: number;
  /** Bounds of histograms by their names, in place of those that they are defined with. */
  readonly buckets?: Readonly<Record<string, readonly number[]>>;
  /**
   * The span that is under way, a tracer's `current`: histograms then keep the latest value of each bucket with its ids, for
   * OpenMetrics to show as exemplars. Spans that nobody keeps (`sampled` false) are left out.
   */
  readonly span?: () => SpanIds | undefined;
  /** For the time of exemplars. */
  readonly clock?: Pick<Clock, "wallTime">;
}

/** Which span of which trace. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled?: boolean;
}

/** A metric whose values somebody has anyway: nothing is recorded, they are asked for when the metric is read. */
export interface ReadMetricOptions<Label extends string = never> extends MetricOptions<Label> {
  readonly type: "counter" | "gauge";
  /** Tells each value there is, with the values of the labels in their order; called for each reading. */
  readonly read: (tell: (value: number, ...labels: readonly string[]) => void) => void;
}

/** Metrics of one process, for one or more exporters. */
export interface Metrics {
  /** @throws InvalidArgumentError for an option that breaks its rule, or a name that another kind of metric has */
  counter<const Label extends string = never>(options: MetricOptions<Label>): Metric<Counter, Label>;
  gauge<const Label extends string = never>(options: MetricOptions<Label>): Metric<Gauge, Label>;
  histogram<const Label extends string = never>(options: HistogramOptions<Label>): Metric<Histogram, Label>;
  /** A metric that is read from elsewhere. What throws leaves it without values, and is counted. */
  readFrom<const Label extends string = never>(options: ReadMetricOptions<Label>): void;
  /** All there are, in the order of their definition. */
  readonly all: readonly MetricView[];
  /** Tells every metric there is, and each one that will be. Returns what takes it back. */
  watch(listener: (metric: MetricView) => void): () => void;
}

export const metricsDefaults: Required<Pick<MetricsOptions, "maxSeries" | "maxMetrics">> = {
  maxSeries: 1_000,
  maxMetrics: 1_000,
};

/**
 * A registry of metrics: counters, gauges and histograms with fixed buckets. It is bounded whatever is recorded, and
 * knows no exporter: `holdfast/adapters/prom-client` and `holdfast/adapters/opentelemetry` read it.
 *
 * Asking for a metric of a name that there is gives that one, if it is of the same kind and has the same labels.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const metrics = createMetrics();
 * const orders = metrics.counter({ name: "orders_total", help: "Orders taken.", labels: ["channel"] });
 * const fromWeb = orders.with({ channel: "web" });
 * fromWeb.add();
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  checkOptionNames("createMetrics", options, ["maxSeries", "maxMetrics", "buckets", "span", "clock"]);
  const { maxSeries, maxMetrics, buckets = {}, span, clock = systemClock } = { ...metricsDefaults, ...options };
  checkInteger("createMetrics.maxSeries", maxSeries, 1, mostSeries);
  checkInteger("createMetrics.maxMetrics", maxMetrics, 4, mostSeries);
  checkOptionNames("createMetrics.buckets", buckets, Object.keys(buckets));
  for (const [name, bounds] of Object.entries(buckets)) checkBuckets(bounds, `createMetrics.buckets.${name}`);
  checkFunction("createMetrics.span", span);
  return new Registry(maxSeries, maxMetrics, new Map(Object.entries(buckets)), span && exemplarsOf(span, clock));
}

function exemplarsOf(span: () => SpanIds | undefined, clock: Pick<Clock, "wallTime">): ExemplarSource {
  return (value) => {
    try {
      const current = span();
      if (current === undefined || current.sampled === false) return undefined;
      return { traceId: current.traceId, spanId: current.spanId, value, at: clock.wallTime() };
    } catch {
      // A value is worth more than where it came from.
      return undefined;
    }
  };
}

interface Defined {
  readonly view: MetricView;
  /** Kind, labels and buckets as one text, to be compared. */
  readonly shape: string;
  readonly metric: unknown;
}

class Registry implements Metrics {
  readonly #maxSeries: number;
  readonly #maxMetrics: number;
  readonly #buckets: ReadonlyMap<string, readonly number[]>;
  readonly #exemplarOf: ExemplarSource | undefined;
  readonly #defined = new Map<string, Defined>();
  #watchers: readonly ((metric: MetricView) => void)[] = [];
  readonly #overflowed: Metric<Counter, "metric">;
  readonly #refused: Metric<Counter, "metric">;
  readonly #failed: Metric<Counter, "metric">;

  constructor(
    maxSeries: number,
    maxMetrics: number,
    buckets: ReadonlyMap<string, readonly number[]>,
    exemplarOf: ExemplarSource | undefined,
  ) {
    this.#buckets = buckets;
    this.#exemplarOf = exemplarOf;
    this.#maxSeries = maxSeries;
    this.#maxMetrics = maxMetrics;
    const own = { labels: ["metric"], maxSeries: maxMetrics } as const;
    this.#overflowed = this.counter({
      ...own,
      name: "telemetry_series_overflowed_total",
      help: "How often a series beyond the bound of its metric was asked for, and the shared one given.",
    });
    this.#refused = this.counter({
      ...own,
      name: "telemetry_values_refused_total",
      help: "Values that are no number, or that a counter cannot add.",
    });
    this.#failed = this.counter({
      ...own,
      name: "telemetry_reads_failed_total",
      help: "How often the source of a metric threw when it was read.",
    });
  }

  get all(): readonly MetricView[] {
    return [...this.#defined.values()].map(({ view }) => view);
  }

  counter<const Label extends string>(options: MetricOptions<Label>): Metric<Counter, Label> {
    checkMetric(options, []);
    return this.#define<CounterSeries, Label>(options, "counter", (onRefused) => ({
      make: () => new CounterSeries(onRefused),
      read: ({ value }) => value,
    }));
  }

  gauge<const Label extends string>(options: MetricOptions<Label>): Metric<Gauge, Label> {
    checkMetric(options, []);
    return this.#define<GaugeSeries, Label>(options, "gauge", (onRefused) => ({
      make: () => new GaugeSeries(onRefused),
      read: ({ value }) => value,
    }));
  }

  histogram<const Label extends string>(options: HistogramOptions<Label>): Metric<Histogram, Label> {
    checkMetric(options, ["buckets"]);
    const { buckets: defined = durationBuckets } = options;
    checkBuckets(defined);
    const buckets = this.#buckets.get(options.name) ?? defined;
    const bounds = Float64Array.from(buckets);
    const followers: Followers = { list: [] };
    return this.#define<HistogramSeries, Label>(
      options,
      "histogram",
      (onRefused) => ({
        make: (labels) => new HistogramSeries(bounds, labels, followers, onRefused, this.#exemplarOf),
        read: (series) => series.read(),
      }),
      [...buckets],
      followers,
    );
  }

  readFrom<const Label extends string>(options: ReadMetricOptions<Label>): void {
    checkMetric(options, ["type", "read"]);
    const { name, help, type, labels: labelNames = [], maxSeries = this.#maxSeries } = options;
    if (type !== "counter" && type !== "gauge") {
      throw new InvalidArgumentError("metric.type", 'must be "counter" or "gauge"', type);
    }
    checkFunction("metric.read", options.read);
    if (this.#defined.has(name)) throw new InvalidArgumentError("metric.name", "is taken", name);
    const read = (): SeriesReading[] => {
      // Made anew for each reading: what is not told any more is gone.
      const table = new SeriesTable<{ value: number }>(
        labelNames,
        maxSeries,
        () => ({ value: 0 }),
        () => this.#overflowed.with({ metric: name }).add(),
      );
      try {
        options.read((value, ...labels) => {
          if (typeof value !== "number" || Number.isNaN(value)) this.#refused.with({ metric: name }).add();
          else table.at(labelNames.map((_, at) => textOf(labels[at]))).value += value;
        });
      } catch {
        this.#failed.with({ metric: name }).add();
        return [];
      }
      return [...table.entries()].map(({ labels, series }) => ({ labels, value: series.value }));
    };
    const view: MetricView = { name, help, type, labelNames: [...labelNames], buckets: [], read };
    this.#add(name, { view, shape: "", metric: undefined });
  }

  watch(listener: (metric: MetricView) => void): () => void {
    for (const { view } of this.#defined.values()) listener(view);
    this.#watchers = [...this.#watchers, listener];
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== listener);
    };
  }

  #define<Series, Label extends string>(
    options: MetricOptions<Label>,
    type: MetricView["type"],
    kind: (onRefused: () => void) => {
      readonly make: (labels: readonly string[]) => Series;
      readonly read: (series: Series) => SeriesReading["value"];
    },
    buckets: readonly number[] = [],
    followers?: Followers,
  ): Metric<Series, Label> {
    const { name, help, labels: labelNames = [], maxSeries = this.#maxSeries } = options;
    const shape = JSON.stringify([type, labelNames, buckets]);
    const known = this.#defined.get(name);
    if (known?.shape === shape) return known.metric as Metric<Series, Label>;
    if (known !== undefined) {
      throw new InvalidArgumentError("metric.name", "is taken by a metric of another kind or with other labels", name);
    }
    const { make, read } = kind(() => this.#refused.with({ metric: name }).add());
    const table = new SeriesTable(labelNames, maxSeries, make, () => this.#overflowed.with({ metric: name }).add());
    const metric = {
      name,
      with: (labels?: Readonly<Record<string, string>>) => table.get(labels),
      remove: (labels: Readonly<Record<string, string>>) => table.remove(labels),
    } as Metric<Series, Label>;
    const view: MetricView = {
      name,
      help,
      type,
      labelNames: [...labelNames],
      buckets,
      read: () => [...table.entries()].map(({ labels, series }) => ({ labels, value: read(series) })),
      ...(followers === undefined ? {} : { follow: (listener) => follow(followers, listener) }),
    };
    this.#add(name, { view, shape, metric });
    // One without labels is there from the beginning, at zero.
    if (labelNames.length === 0) table.get(undefined);
    return metric;
  }

  #add(name: string, defined: Defined): void {
    if (this.#defined.size >= this.#maxMetrics) {
      throw new InvalidArgumentError("metric.name", `must be one of at most ${this.#maxMetrics} metrics`, name);
    }
    this.#defined.set(name, defined);
    for (const watcher of this.#watchers) watcher(defined.view);
  }
}

/** Whoever reads from elsewhere may tell numbers. */
function textOf(label: unknown): string {
  if (typeof label === "string") return label;
  return typeof label === "number" || typeof label === "boolean" ? String(label) : "";
}

function follow(followers: Followers, listener: Followers["list"][number]): () => void {
  followers.list = [...followers.list, listener];
  return () => {
    followers.list = followers.list.filter((other) => other !== listener);
  };
}
