import { checkInteger, checkNumber, checkOptionNames } from "./check-options.ts";
import type { PredictionModel, PredictionModelFactory } from "./prediction-model.ts";
import { RunningScale } from "./running-scale.ts";

export interface LogisticModelOptions {
  /** How far a step goes: > 0. Default 0.1. */
  readonly learningRate?: number;
  /** How strongly weights are pulled to zero: >= 0. Default 0.001. */
  readonly regularization?: number;
  /** How many examples are remembered to learn from them again: 1 up to 100 000. Default 2 000. */
  readonly maxExamples?: number;
  /** How many remembered examples are repeated for each new one: 0 up to 100. Default 4. */
  readonly replays?: number;
}

export const logisticModelDefaults: Required<LogisticModelOptions> = {
  learningRate: 0.1,
  regularization: 0.001,
  maxExamples: 2_000,
  replays: 4,
};

/**
 * Logistic regression that learns online: stochastic gradient steps of adaptive length (J. Duchi, E. Hazan, Y. Singer,
 * "Adaptive Subgradient Methods", JMLR 12, 2011, figure 1), each new example followed by a few remembered ones in a fixed
 * order, so that the same examples give the same model.
 *
 * @throws InvalidArgumentError
 * @example
 * const predictor = createErrorPredictor({ thresholds: { timeout: 20 }, model: logisticModel() });
 */
export function logisticModel(options: LogisticModelOptions = {}): PredictionModelFactory {
  checkOptionNames("logisticModel", options, Object.keys(logisticModelDefaults));
  const settings = { ...logisticModelDefaults, ...options };
  checkNumber("logisticModel.learningRate", settings.learningRate, Number.MIN_VALUE);
  checkNumber("logisticModel.regularization", settings.regularization, 0);
  checkInteger("logisticModel.maxExamples", settings.maxExamples, 1, 100_000);
  checkInteger("logisticModel.replays", settings.replays, 0, 100);
  return (features) => new LogisticModel(features, settings);
}

class LogisticModel implements PredictionModel {
  readonly name: string = "logistic";
  readonly #settings: Required<LogisticModelOptions>;
  readonly #scale: RunningScale;
  /** One more than there are features: the last is the constant. */
  readonly #weights: Float64Array;
  readonly #squares: Float64Array;
  readonly #memory: Float64Array[] = [];
  readonly #labels: boolean[] = [];
  readonly #scaled: Float64Array;
  #next = 0;
  #replay = 0;

  constructor(features: number, settings: Required<LogisticModelOptions>) {
    this.#settings = settings;
    this.#scale = new RunningScale(features);
    this.#weights = new Float64Array(features + 1);
    this.#squares = new Float64Array(features + 1);
    this.#scaled = new Float64Array(features);
  }

  learn(features: Float64Array, happened: boolean): void {
    this.#scale.learn(features);
    this.#step(features, happened);
    const { maxExamples, replays } = this.#settings;
    // The old array serves again when the memory is full.
    const kept = this.#memory[this.#next] ?? new Float64Array(features.length);
    kept.set(features);
    this.#memory[this.#next] = kept;
    this.#labels[this.#next] = happened;
    this.#next = (this.#next + 1) % maxExamples;
    for (let i = 0; i < replays; i++) {
      // A stride that is no divisor of the usual sizes: neighbours are nearly the same example.
      this.#replay = (this.#replay + 617) % this.#memory.length;
      this.#step(this.#memory[this.#replay] as Float64Array, this.#labels[this.#replay] as boolean);
    }
  }

  probability(features: Float64Array): number | undefined {
    if (this.#memory.length === 0) return undefined;
    return this.#answer(this.#scale.apply(features, this.#scaled));
  }

  contributions(features: Float64Array): Float64Array {
    return this.#scale.apply(features).map((value, i) => value * (this.#weights[i] as number));
  }

  #answer(scaled: Float64Array): number {
    const weights = this.#weights;
    let sum = weights[scaled.length] as number;
    for (let i = 0; i < scaled.length; i++) sum += (weights[i] as number) * (scaled[i] as number);
    return 1 / (1 + Math.exp(-sum));
  }

  #step(features: Float64Array, happened: boolean): void {
    const { learningRate, regularization } = this.#settings;
    const scaled = this.#scale.apply(features, this.#scaled);
    const weights = this.#weights;
    const error = this.#answer(scaled) - (happened ? 1 : 0);
    for (let i = 0; i <= scaled.length; i++) {
      const isConstant = i === scaled.length;
      const weight = weights[i] as number;
      const gradient = error * (isConstant ? 1 : (scaled[i] as number)) + (isConstant ? 0 : regularization * weight);
      const squares = (this.#squares[i] as number) + gradient * gradient;
      this.#squares[i] = squares;
      if (squares > 0) weights[i] = weight - (learningRate * gradient) / Math.sqrt(squares);
    }
  }
}
