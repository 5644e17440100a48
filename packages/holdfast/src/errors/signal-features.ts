/** How many steps the slow and the fast average look back, about. */
const slowSteps = 60;
const fastSteps = 3;

/** Numbers from around the errors (latencies, load, open breakers), each as its level, its rise, and its last step. */
export class SignalFeatures {
  readonly names: readonly string[];
  readonly values: Float64Array;
  readonly #signals: readonly string[];
  readonly #slow: Float64Array;
  readonly #fast: Float64Array;
  readonly #last: Float64Array;
  #isFirst = true;

  constructor(signals: readonly string[]) {
    this.#signals = signals;
    this.names = signals.flatMap((name) => [name, `${name} against its average`, `${name} rising`]);
    this.values = new Float64Array(this.names.length);
    this.#slow = new Float64Array(signals.length);
    this.#fast = new Float64Array(signals.length);
    this.#last = new Float64Array(signals.length);
  }

  /** A signal that is missing, or no finite number, is what it was before. */
  observe(given: Readonly<Record<string, number>>): void {
    for (const [i, name] of this.#signals.entries()) {
      const raw = given[name];
      const value = raw !== undefined && Number.isFinite(raw) ? compressed(raw) : (this.#last[i] as number);
      const slow = this.#isFirst ? value : average(this.#slow[i] as number, value, slowSteps);
      const fast = this.#isFirst ? value : average(this.#fast[i] as number, value, fastSteps);
      const before = this.#isFirst ? value : (this.#last[i] as number);
      this.#slow[i] = slow;
      this.#fast[i] = fast;
      this.#last[i] = value;
      this.values[3 * i] = value;
      this.values[3 * i + 1] = fast - slow;
      this.values[3 * i + 2] = value - before;
    }
    this.#isFirst = false;
  }

  clear(): void {
    this.#isFirst = true;
    this.#last.fill(0);
  }
}

export function average(before: number, value: number, steps: number): number {
  return before + (value - before) / steps;
}

/** Makes ten to a hundred as far as a hundred to a thousand: rates and latencies differ by factors. */
export function compressed(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value));
}
