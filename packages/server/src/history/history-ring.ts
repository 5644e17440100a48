/** Between two points, by the clock of whoever keeps them: all members' points stand at the same moments. */
export const historyStepMs = 5_000;
/** Two hours. */
export const historySteps = 1_440;
/** A clock that is set back further begins anew, as all that was would stand in the future; after less it catches up. */
export const setBackSteps = 12;

type Columns = readonly (Float32Array | Float64Array)[];

/** Numbers of the latest 1 440 steps of time, a column each. A step of which nothing is known has NaN. */
export class HistoryRing<T extends Columns> {
  readonly columns: T;
  #first = Number.NaN;
  #last = Number.NaN;

  constructor(columns: T) {
    this.columns = columns;
    this.clear();
  }

  /** The newest step of which something is known; NaN before there was one. */
  get last(): number {
    return this.#last;
  }

  /** The oldest of which something may be known. */
  get first(): number {
    return Math.max(this.#first, this.#last - historySteps + 1);
  }

  clear(): void {
    for (const column of this.columns) column.fill(Number.NaN);
    this.#first = this.#last = Number.NaN;
  }

  /** Where a step stands in the columns, the ring turned to it where it is new; undefined for one that is too old. */
  place(step: number): number | undefined {
    if (Number.isNaN(this.#last)) this.#first = this.#last = step;
    if (step <= this.#last - historySteps) return undefined;
    // What stood there two hours ago is forgotten, and so is what was passed over.
    for (let at = Math.max(this.#last + 1, step - historySteps + 1); at <= step; at++) this.#forget(at % historySteps);
    if (step > this.#last) this.#last = step;
    if (step < this.#first) this.#first = step;
    return step % historySteps;
  }

  #forget(place: number): void {
    for (let which = 0; which < this.columns.length; which++) this.columns[which]![place] = Number.NaN;
  }

  /** NaN where nothing is known. */
  value(column: number, step: number): number {
    if (!(step <= this.#last && step > this.#last - historySteps)) return Number.NaN;
    return this.columns[column]?.[step % historySteps] ?? Number.NaN;
  }
}

export function stepOf(wallMs: number): number {
  return Math.floor(wallMs / historyStepMs);
}
