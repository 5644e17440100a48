/** Values over time, a column each, in the shape that charts take: `columns[0]` are seconds since 1970. */
export interface Series {
  readonly columns: readonly (readonly (number | null)[])[];
}

/** The latest, as they came. */
export const maxPoints = 600;
/** Older ones, the greatest of each quarter of a minute: two hours. */
export const maxOlderPoints = 480;
export const olderStepS = 15;
const minStepMs = 1_000;
/** The latest that were filled in from elsewhere stand as they came for so long. */
const fineS = 600;
/** Where there is nothing for longer, it is filled in from elsewhere; of older ones that much is twice their step. */
const gapS = 10;
/** The series of the whole cluster: entries committed a second, the greatest lag of any member, and its memory. */
export const clusterSeries = "cluster";
/** So many at a time grow old: rarely, and not many at once. */
const agedAtOnce = 60;
/** Several series at once: one that is not fed any more gives way first. */
export const maxSeries = 1_000;

class GrowingSeries implements Series {
  readonly columns: (number | null)[][];
  /** So many at the beginning are of the older kind. */
  #older = 0;

  constructor(columns: (number | null)[][], older: number = 0) {
    this.columns = columns;
    this.#older = older;
  }

  /** A point in the same second as the last one replaces it. Time that goes back begins anew. */
  add(atMs: number, values: readonly (number | null)[]): void {
    const times = this.columns[0] as number[];
    const last = (times.at(-1) ?? -Infinity) * 1000;
    if (atMs < last) {
      for (const column of this.columns) column.length = 0;
      this.#older = 0;
    } else if (Math.floor(atMs / minStepMs) === Math.floor(last / minStepMs)) {
      for (const column of this.columns) column.pop();
    }
    times.push(atMs / 1000);
    for (const [at, value] of values.entries()) this.columns[at + 1]?.push(value);
    if (times.length - this.#older >= maxPoints + agedAtOnce) this.#age();
  }

  /** Puts points where there are none: before the first, into gaps, after the last. Times are milliseconds, in order. */
  fill(times: readonly number[], columns: readonly (readonly (number | null)[])[]): void {
    const own = this.columns[0] as number[];
    const rows = own.map((_, row) => this.columns.map((column) => column[row] ?? null));
    let next = 0;
    for (const [row, atMs] of times.entries()) {
      const atS = atMs / 1_000;
      while (next < own.length && own[next]! <= atS) next++;
      const [before = -Infinity, after = Infinity] = [own[next - 1], own[next]];
      const isGap = after - before > (next < this.#older ? 2 * olderStepS : gapS);
      const second = Math.floor(atS);
      if (isGap && second > Math.floor(before) && second < Math.floor(after)) {
        rows.push([atS, ...columns.map((column) => column[row] ?? null)]);
      }
    }
    if (rows.length > own.length) this.#rebuild(rows.sort(([one], [other]) => (one ?? 0) - (other ?? 0)));
  }

  #rebuild(rows: readonly (readonly (number | null)[])[]): void {
    const until = (rows.at(-1)?.[0] ?? 0) - fineS;
    /** Points that become one: those of one step, as far as they are old. */
    const groups: (readonly (number | null)[])[][] = [];
    let older = 0;
    let step = Number.NaN;
    for (const row of rows) {
      const atS = row[0] ?? 0;
      const own = atS < until ? Math.floor(atS / olderStepS) : Number.NaN;
      if (own === step) {
        groups.at(-1)?.push(row);
        continue;
      }
      groups.push([row]);
      if (atS < until) older++;
      step = own;
    }
    const kept = groups.slice(Math.max(0, older - maxOlderPoints));
    this.#older = Math.min(older, maxOlderPoints);
    for (const [which, column] of this.columns.entries()) {
      column.length = 0;
      for (const group of kept) {
        const values = group.map((row) => row[which] ?? null);
        column.push(which === 0 ? (values[0] ?? 0) : greatest(values));
      }
    }
  }

  copy(): GrowingSeries {
    return new GrowingSeries(
      this.columns.map((column) => column.slice()),
      this.#older,
    );
  }

  /** The oldest of the latest become older ones. */
  #age(): void {
    const times = this.columns[0] as number[];
    const from = this.#older;
    /** Where each group of points begins: those of one step. */
    const starts: number[] = [];
    let step = Number.NaN;
    for (let at = from; at < from + agedAtOnce; at++) {
      const own = Math.floor((times[at] ?? 0) / olderStepS);
      if (own !== step) starts.push(at);
      step = own;
    }
    for (const [which, column] of this.columns.entries()) {
      const groups = starts.map((start, at) => column.slice(start, starts[at + 1] ?? from + agedAtOnce));
      const merged = groups.map((group) => (which === 0 ? (group[0] ?? 0) : greatest(group)));
      column.splice(from, agedAtOnce, ...merged);
    }
    this.#older += starts.length;
    const over = this.#older - maxOlderPoints;
    if (over <= 0) return;
    for (const column of this.columns) column.splice(0, over);
    this.#older -= over;
  }
}

/** Peaks are what somebody looks for in the past. */
export function greatest(values: readonly (number | null)[]): number | null {
  return values.reduce((most, value) => (value === null || (most !== null && most >= value) ? most : value), null);
}

function emptySeries(columns: number): GrowingSeries {
  return new GrowingSeries(Array.from({ length: columns + 1 }, (): number[] => []));
}

/** Series by name: the latest 600 points, of a second or more each, and two hours of older ones. */
export class SeriesBook {
  readonly #byName = new Map<string, GrowingSeries>();

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): Series | undefined {
    return this.#byName.get(name);
  }

  /** What was known elsewhere where nothing is known here; a series that has points of its own keeps them. */
  fill(name: string, times: readonly number[], columns: readonly (readonly (number | null)[])[]): void {
    const known = this.#byName.get(name);
    // What is there comes first: it is fed.
    if (known === undefined && this.#byName.size >= maxSeries) return;
    const series = known ?? emptySeries(columns.length);
    this.#byName.set(name, series);
    series.fill(times, columns);
  }

  add(name: string, atMs: number, values: readonly (number | null)[]): void {
    const series = this.#byName.get(name) ?? emptySeries(values.length);
    // Moved to the end: the first of the map was fed longest ago.
    this.#byName.delete(name);
    this.#byName.set(name, series);
    series.add(atMs, values);
    if (this.#byName.size <= maxSeries) return;
    const [stalest] = this.#byName.keys();
    if (stalest !== undefined) this.#byName.delete(stalest);
  }

  /** As it stands now: what comes later does not change it. */
  copy(): SeriesBook {
    const book = new SeriesBook();
    for (const [name, series] of this.#byName) book.#byName.set(name, series.copy());
    return book;
  }

  clear(): void {
    this.#byName.clear();
  }
}
