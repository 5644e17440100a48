/** About how many predictions a score remembers. */
const memory = 1_000;

/**
 * How well predictions came true that were made before: their mean squared error (G. Brier, "Verification of Forecasts
 * Expressed in Terms of Probability", 1950), beside that of always saying how often it has happened so far.
 */
export class PredictionScore {
  #count = 0;
  #base = 0.5;
  #own = 0;
  #simple = 0;

  get count(): number {
    return this.#count;
  }

  /** The share of what happened among what was scored. */
  get baseRate(): number {
    return this.#count === 0 ? 0 : this.#base;
  }

  /** How much better than the base rate: 1 is perfect, 0 no better, or not known. */
  get skill(): number {
    if (this.#count === 0 || this.#simple <= 0) return 0;
    return Math.max(0, 1 - this.#own / this.#simple);
  }

  add(probability: number, happened: boolean): void {
    const truth = happened ? 1 : 0;
    const share = 1 / Math.min(memory, ++this.#count);
    this.#own += share * ((probability - truth) ** 2 - this.#own);
    this.#simple += share * ((this.#base - truth) ** 2 - this.#simple);
    // After the score: the base rate must not know what it is scored on.
    this.#base += (truth - this.#base) / Math.min(memory, this.#count + 1);
  }
}
