/** What a run is told. */
export interface BenchmarkContext {
  /** How often everything is measured; rows are medians. */
  readonly rounds: number;
  /** How long one measurement takes, warm-up not counted. */
  readonly seconds: number;
  /** Which of its sets of cases, for a benchmark that has several. */
  readonly cases?: string | undefined;
  /** Aborts when the run is to stop: end what was started, then throw. */
  readonly signal: AbortSignal;
  /** One line for whoever watches. */
  readonly progress: (line: string) => void;
}

/** One figure, of Holdfast and of each peer, measured in the same run. */
export interface Measurement {
  readonly case: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
}

export interface Benchmark {
  readonly name: string;
  /** One line: what is measured, against what. */
  readonly summary: string;
  /** Its sets of cases, if it has several; the first is the usual one. */
  readonly cases?: readonly string[];
  run(context: BenchmarkContext): Promise<readonly Measurement[]>;
}

/** The value in the middle, or the mean of the two there. @throws RangeError for no values */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new RangeError("no values have no median");
  return (low + high) / 2;
}

/** Collects figures of several rounds by system and case; its rows are the medians, in the order of first sight. */
export class Samples {
  readonly #values = new Map<string, Map<string, number[]>>();
  readonly #cases = new Map<string, Pick<Measurement, "case" | "unit" | "better">>();

  add(system: string, figure: Pick<Measurement, "case" | "unit" | "better">, value: number): void {
    const id = `${figure.case} ${figure.unit}`;
    this.#cases.set(id, figure);
    const bySystem = this.#values.get(id) ?? new Map<string, number[]>();
    this.#values.set(id, bySystem);
    bySystem.set(system, [...(bySystem.get(system) ?? []), value]);
  }

  measurements(ours: string): Measurement[] {
    return [...this.#cases].map(([id, figure]) => {
      const medians = new Map([...(this.#values.get(id) ?? [])].map(([system, values]) => [system, median(values)]));
      const own = medians.get(ours);
      if (own === undefined) throw new Error(`${figure.case}: nothing was measured of ${ours}`);
      medians.delete(ours);
      return { ...figure, ours: own, peers: Object.fromEntries(medians) };
    });
  }
}
