import { checkFunction, checkInteger, checkOptionNames } from "./check-options.ts";
import type { PredictionModel, PredictionModelFactory } from "./prediction-model.ts";
import { RunningScale } from "./running-scale.ts";

/** Examples to fit: features brought to one scale, and 1 for what happened, else 0. */
export interface Examples {
  readonly features: readonly Float64Array[];
  readonly labels: readonly (0 | 1)[];
}

export interface BatchModelOptions {
  readonly name: string;
  /** Makes of the examples what gives a probability. Called with both labels among them only. */
  readonly fit: (examples: Examples) => (features: Float64Array) => number;
  /** How many of the last examples are remembered: 10 up to 100 000. Default 1 000. */
  readonly maxExamples?: number;
  /** After how many new examples it is fitted again, or sooner, when they have doubled: >= 1. Default 250. */
  readonly refitEvery?: number;
}

export const batchModelDefaults: { readonly maxExamples: 1_000; readonly refitEvery: 250 } = {
  maxExamples: 1_000,
  refitEvery: 250,
};

/**
 * Makes a model that learns online of one that is fitted to all examples at once: it remembers the last ones, and fits again
 * now and then, when it is asked. An answer is at most 1 - 1/n and at least 1/n, n being the examples it is made of: no
 * number of examples makes anything certain.
 *
 * @throws InvalidArgumentError
 */
export function batchModel(options: BatchModelOptions): PredictionModelFactory {
  checkOptionNames("batchModel", options, ["name", "fit", "maxExamples", "refitEvery"]);
  const { name, fit, maxExamples, refitEvery } = { ...batchModelDefaults, ...options };
  checkFunction("batchModel.fit", fit);
  checkInteger("batchModel.maxExamples", maxExamples, 10, 100_000);
  checkInteger("batchModel.refitEvery", refitEvery, 1);
  return (features) => new BatchModel(name, features, fit, maxExamples, refitEvery);
}

class BatchModel implements PredictionModel {
  readonly name: string;
  readonly #fit: BatchModelOptions["fit"];
  readonly #maxExamples: number;
  readonly #refitEvery: number;
  readonly #scale: RunningScale;
  readonly #features: Float64Array[] = [];
  readonly #labels: (0 | 1)[] = [];
  #next = 0;
  #sinceFit = 0;
  #answer: ((features: Float64Array) => number) | undefined;
  #fitted = 0;

  constructor(name: string, features: number, fit: BatchModelOptions["fit"], maxExamples: number, refitEvery: number) {
    this.name = name;
    this.#fit = fit;
    this.#maxExamples = maxExamples;
    this.#refitEvery = refitEvery;
    this.#scale = new RunningScale(features);
  }

  learn(features: Float64Array, happened: boolean): void {
    this.#scale.learn(features);
    this.#features[this.#next] = features.slice();
    this.#labels[this.#next] = happened ? 1 : 0;
    this.#next = (this.#next + 1) % this.#maxExamples;
    this.#sinceFit++;
  }

  probability(features: Float64Array): number | undefined {
    // Fitted to few, it would answer for long from next to nothing.
    const due = Math.min(this.#refitEvery, Math.max(1, this.#fitted));
    if (this.#sinceFit >= due || this.#answer === undefined) this.#refit();
    if (this.#answer === undefined) return undefined;
    const least = 1 / (this.#fitted + 1);
    const probability = this.#answer(features);
    return Number.isNaN(probability) ? undefined : Math.min(1 - least, Math.max(least, probability));
  }

  #refit(): void {
    if (!this.#labels.includes(0) || !this.#labels.includes(1)) return;
    this.#sinceFit = 0;
    this.#fitted = this.#labels.length;
    // The scale goes on changing: what was fitted keeps the one it was fitted with, as plain numbers.
    const scale = this.#scale.copy();
    const answer = this.#fit({ features: this.#features.map((each) => scale.apply(each)), labels: [...this.#labels] });
    this.#answer = (features) => answer(scale.apply(features));
  }
}
