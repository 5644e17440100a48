import type { Counter, Gauge, Histogram, HistogramValue } from "./metric.ts";

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

export class HistogramSeries implements Histogram {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  readonly #labels: readonly string[];
  readonly #followers: Followers;
  readonly #onRefused: OnRefused;
  #sum = 0;
  #count = 0;

  constructor(bounds: Float64Array, labels: readonly string[], followers: Followers, onRefused: OnRefused) {
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
    const { list } = this.#followers;
    if (list.length > 0) for (const listener of list) listener(value, this.#labels);
  }

  read(): HistogramValue {
    return { counts: [...this.#counts], sum: this.#sum, count: this.#count };
  }
}
