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
    const values = given.every(isFit) ? given : given.map(fit);
    const key = keyOf(values);
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    if (this.#series.size >= this.#maxSeries) {
      this.#onOverflow();
      return (this.#shared ??= this.#makeShared()).series;
    }
    const entry = this.#entry(values);
    this.#series.set(key, entry);
    return entry.series;
  }

  remove(labels: Readonly<Record<string, string>>): void {
    this.#series.delete(keyOf(this.#valuesOf(labels).map(fit)));
  }

  *entries(): IterableIterator<{ readonly labels: readonly string[]; readonly series: Series }> {
    yield* this.#series.values();
    const shared = this.#shared;
    if (shared !== undefined && this.#series.get(keyOf(shared.labels)) !== shared) yield shared;
  }

  /** Somebody may have made one of these labels before: two of the same are none. */
  #makeShared(): { readonly labels: readonly string[]; readonly series: Series } {
    const labels = this.#labelNames.map(() => overflowLabel);
    return this.#series.get(keyOf(labels)) ?? this.#entry(labels);
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

/** What UTF-8 has no word for, two values would be one in; and some parsers end at a zero. */
const isFit = (value: string): boolean =>
  value.length <= maxValueLength && value.isWellFormed() && !value.includes("\0");

const fit = (value: string): string => value.slice(0, maxValueLength).toWellFormed().replaceAll("\0", "\ufffd");

/** No two lists have the same. */
function keyOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : values.map((value) => `${value.length}:${value}`).join("");
}
