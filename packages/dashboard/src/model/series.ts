/** Values over time, a column each, in the shape that charts take: `columns[0]` are seconds since 1970. */
export interface Series {
  readonly columns: readonly (readonly (number | null)[])[];
}

export const maxPoints = 600;
const minStepMs = 1_000;
/** Several series at once: one that is not fed any more gives way first. */
export const maxSeries = 1_000;

class GrowingSeries implements Series {
  readonly columns: (number | null)[][];

  constructor(values: number) {
    this.columns = Array.from({ length: values + 1 }, () => []);
  }

  /** A point in the same second as the last one replaces it. Time that goes back begins anew. */
  add(atMs: number, values: readonly (number | null)[]): void {
    const times = this.columns[0] as number[];
    const last = (times.at(-1) ?? -Infinity) * 1000;
    if (atMs < last) for (const column of this.columns) column.length = 0;
    else if (Math.floor(atMs / minStepMs) === Math.floor(last / minStepMs))
      for (const column of this.columns) column.pop();
    times.push(atMs / 1000);
    for (const [at, value] of values.entries()) this.columns[at + 1]?.push(value);
    if (times.length > maxPoints) for (const column of this.columns) column.splice(0, column.length - maxPoints);
  }
}

/** Series by name: 600 points, of a second or more each. */
export class SeriesBook {
  readonly #byName = new Map<string, GrowingSeries>();

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): Series | undefined {
    return this.#byName.get(name);
  }

  add(name: string, atMs: number, values: readonly (number | null)[]): void {
    const series = this.#byName.get(name) ?? new GrowingSeries(values.length);
    // Moved to the end: the first of the map was fed longest ago.
    this.#byName.delete(name);
    this.#byName.set(name, series);
    series.add(atMs, values);
    if (this.#byName.size <= maxSeries) return;
    const [stalest] = this.#byName.keys();
    if (stalest !== undefined) this.#byName.delete(stalest);
  }

  clear(): void {
    this.#byName.clear();
  }
}
