import { InvalidArgumentError } from "../../errors/base.ts";

/** The value of every label of the series that those beyond the bound share. */
const overflowLabel = "overflow";

const maxValueLength = 128;

/** The series of one metric, by the values of their labels: so many at most, and one that the rest share. */
export class SeriesTable<Series> {
  readonly #labelNames: readonly string[];
  readonly #maxSeries: number;
  readonly #make: (labels: readonly string[]) => Series;
  readonly #onOverflow: () => void;
  readonly #series = new Map<string, { readonly labels: readonly string[]; readonly series: Series }>();
  #shared: { readonly labels: readonly string[]; readonly series: Series } | undefined;

  constructor(
    labelNames: readonly string[],
    maxSeries: number,
    make: (labels: readonly string[]) => Series,
    onOverflow: () => void,
  ) {
    this.#labelNames = labelNames;
    this.#maxSeries = maxSeries;
    this.#make = make;
    this.#onOverflow = onOverflow;
  }

  /** @throws InvalidArgumentError */
  get(labels: Readonly<Record<string, string>> | undefined): Series {
    return this.at(this.#valuesOf(labels));
  }

  /** By the values, in the order of the names. */
  at(given: readonly string[]): Series {
    const values = given.some(isLong) ? given.map((value) => value.slice(0, maxValueLength)) : given;
    const key = keyOf(values);
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    if (this.#series.size >= this.#maxSeries) {
      this.#onOverflow();
      const shared = (this.#shared ??= this.#entry(this.#labelNames.map(() => overflowLabel)));
      return shared.series;
    }
    const entry = this.#entry(values);
    this.#series.set(key, entry);
    return entry.series;
  }

  remove(labels: Readonly<Record<string, string>>): void {
    this.#series.delete(keyOf(this.#valuesOf(labels).map((value) => value.slice(0, maxValueLength))));
  }

  *entries(): IterableIterator<{ readonly labels: readonly string[]; readonly series: Series }> {
    yield* this.#series.values();
    if (this.#shared !== undefined) yield this.#shared;
  }

  #entry(labels: readonly string[]): { readonly labels: readonly string[]; readonly series: Series } {
    return { labels, series: this.#make(labels) };
  }

  #valuesOf(labels: Readonly<Record<string, string>> = {}): string[] {
    const names = this.#labelNames;
    for (const name of Object.keys(labels)) {
      if (!names.includes(name)) {
        throw new InvalidArgumentError(`labels.${name}`, `is no label; there are ${names.join(", ") || "none"}`, name);
      }
    }
    return names.map((name) => {
      const value: unknown = labels[name];
      if (typeof value === "string") return value;
      if (typeof value === "number" || typeof value === "boolean") return String(value);
      throw new InvalidArgumentError(`labels.${name}`, "must be a string", value);
    });
  }
}

const isLong = (value: string): boolean => value.length > maxValueLength;

/** No two lists have the same. */
function keyOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : values.map((value) => `${value.length}:${value}`).join("");
}
