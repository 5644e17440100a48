import type { Counter, Exemplar, Gauge, Histogram, HistogramValue } from "./metric.ts";

/** Told of values that cannot be recorded. */
export type OnRefused = () => void;

export class CounterSeries implements Counter {
  value = 0;
  readonly #onRefused: OnRefused;

  constructor(onRefused: OnRefused) {
    this.#onRefused = onRefused;
  }

  add(amount: number = 1): void {
    if (amount >= 0 && amount !== Infinity) this.value += amount;
    else this.#onRefused();
  }
}

export class GaugeSeries implements Gauge {
  value = 0;
  readonly #onRefused: OnRefused;

  constructor(onRefused: OnRefused) {
    this.#onRefused = onRefused;
  }

  set(value: number): void {
    if (Number.isNaN(value)) this.#onRefused();
    else this.value = value;
  }

  add(amount: number = 1): void {
    this.set(this.value + amount);
  }
}

/** Who follows a histogram, for all its series. */
export interface Followers {
  list: readonly ((value: number, labels: readonly string[]) => void)[];
}

/** Gives the exemplar of a value that is recorded now. */
export type ExemplarSource = (value: number) => Exemplar | undefined;

export class HistogramSeries implements Histogram {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  readonly #labels: readonly string[];
  readonly #followers: Followers;
  readonly #onRefused: OnRefused;
  readonly #exemplarOf: ExemplarSource | undefined;
  readonly #exemplars: (Exemplar | undefined)[] = [];
  #sum = 0;
  #count = 0;

  constructor(
    bounds: Float64Array,
    labels: readonly string[],
    followers: Followers,
    onRefused: OnRefused,
    exemplarOf: ExemplarSource | undefined,
  ) {
    this.#exemplarOf = exemplarOf;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
    this.#labels = labels;
    this.#followers = followers;
    this.#onRefused = onRefused;
  }

  record(value: number): void {
    if (!Number.isFinite(value)) {
      this.#onRefused();
      return;
    }
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    this.#counts[low]!++;
    this.#sum += value;
    this.#count++;
    if (this.#exemplarOf !== undefined) this.#exemplars[low] = this.#exemplarOf(value) ?? this.#exemplars[low];
    const { list } = this.#followers;
    if (list.length > 0) this.#tell(list, value);
  }

  /** Apart, so that those that nobody follows stay small. */
  #tell(list: Followers["list"], value: number): void {
    for (const listener of list) {
      try {
        listener(value, this.#labels);
      } catch {
        this.#onRefused();
      }
    }
  }

  read(): HistogramValue {
    const value = { counts: [...this.#counts], sum: this.#sum, count: this.#count };
    if (this.#exemplarOf === undefined) return value;
    return { ...value, exemplars: value.counts.map((_, at) => this.#exemplars[at]) };
  }
}
