import { Calibration } from "./calibration.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { findPeriod, nextDue, type Period } from "./periodicity.ts";
import type { PredictionModel, PredictionModelFactory } from "./prediction-model.ts";
import { PredictionScore } from "./prediction-score.ts";
import { average, compressed, type SignalFeatures } from "./signal-features.ts";
import { trendOf } from "./trend.ts";

/** What was known at one step, until it shows what came of it. */
interface Pending {
  readonly features: Float64Array;
  readonly exceeded: boolean;
  /** As the model said it. */
  readonly raw: number | undefined;
  readonly probability: number | undefined;
}

const ownFeatures = [
  "errors in the last step",
  "errors in the last window",
  "errors in the window before",
  "errors on average",
  "errors rising",
  "errors of other kinds",
  "exceeded now",
  "time since it was exceeded",
  "due by its period",
] as const;

const maxOnsets = 64;

/**
 * The forecast for one kind of error. At every step it learns what came of the features that were seen one window ago, and
 * only then: features are strictly older than the window that they are to foretell. Whether it begins and whether it goes on
 * are two questions: what speaks for the one says little about the other, so each has a model of its own.
 */
export class KindForecast {
  readonly kind: ErrorKind;
  readonly threshold: number;
  readonly names: readonly string[];
  readonly score: PredictionScore = new PredictionScore();
  readonly #beginning: PredictionModel;
  readonly #goingOn: PredictionModel;
  readonly #calibration: Calibration;
  readonly #stepMs: number;
  readonly #horizon: number;
  readonly #signals: SignalFeatures;
  readonly #counts: number[] = [];
  readonly #pending: Pending[] = [];
  readonly #onsets: number[] = [];
  #features: Float64Array | undefined;
  #probability: number | undefined;
  #period: Period | undefined;
  #averageCount = 0;
  #stepsSince = Infinity;
  #exceeded = false;
  /** Examples learnt, and separate times at which the threshold was passed. */
  examples = 0;
  episodes = 0;

  constructor(
    kind: ErrorKind,
    threshold: number,
    make: PredictionModelFactory,
    signals: SignalFeatures,
    stepMs: number,
    horizon: number,
  ) {
    this.kind = kind;
    this.threshold = threshold;
    this.names = [...ownFeatures, ...signals.names];
    this.#beginning = make(this.names.length);
    this.#goingOn = make(this.names.length);
    this.#calibration = new Calibration(horizon);
    this.#signals = signals;
    this.#stepMs = stepMs;
    this.#horizon = horizon;
  }

  get modelName(): string {
    return this.#beginning.name;
  }

  /** Whether the last window exceeds the threshold. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  get probability(): number | undefined {
    return this.#probability;
  }

  get period(): Period | undefined {
    return this.#period;
  }

  /** One step: so many errors of this kind, so many of the others. */
  observe(at: number, count: number, others: number, learn: boolean): void {
    const counts = this.#counts;
    counts.push(count);
    if (counts.length > 2 * this.#horizon) counts.shift();
    const inWindow = sum(counts.slice(-this.#horizon));
    const exceeds = counts.length >= this.#horizon && inWindow >= this.threshold;
    if (this.#pending.length === this.#horizon) this.#settle(this.#pending.shift() as Pending, exceeds, learn);
    this.#noteOnset(at, exceeds, learn);
    this.#averageCount = average(this.#averageCount, count, 60);
    this.#features = this.#read(at, count, inWindow, others);
    const raw = this.#answering(this.#features)?.probability(this.#features);
    this.#probability = raw === undefined ? undefined : this.#calibration.apply(raw);
    this.#pending.push({ features: this.#features, exceeded: exceeds, raw, probability: this.#probability });
  }

  /** What follows is not what came next: nothing may be learnt across the gap. */
  interrupt(): void {
    this.#counts.length = this.#pending.length = this.#onsets.length = 0;
    this.#features = this.#probability = this.#period = undefined;
    this.#averageCount = 0;
    this.#stepsSince = Infinity;
    this.#exceeded = false;
  }

  /** The features that speak most for the threshold being exceeded, the strongest first; none when the model cannot tell. */
  evidence(count: number): { readonly feature: string; readonly value: number; readonly weight: number }[] {
    const features = this.#features;
    const weights = features === undefined ? undefined : this.#answering(features)?.contributions?.(features);
    if (features === undefined || weights === undefined) return [];
    const all = this.names.map((feature, i) => ({
      feature,
      value: features[i] as number,
      weight: weights[i] as number,
    }));
    return all
      .filter(({ weight }) => weight > 0)
      .sort((one, two) => two.weight - one.weight)
      .slice(0, count);
  }

  /** The model for what is now; the other one while that has learnt too little to say. */
  #answering(features: Float64Array): PredictionModel | undefined {
    const models = this.#exceeded ? [this.#goingOn, this.#beginning] : [this.#beginning, this.#goingOn];
    return models.find((model) => model.probability(features) !== undefined);
  }

  #settle({ features, exceeded, raw, probability }: Pending, happened: boolean, learn: boolean): void {
    if (probability !== undefined) this.score.add(probability, happened);
    if (!learn) return;
    // Before the model learns of it: it must be judged by what it could not know.
    if (raw !== undefined) this.#calibration.add(raw, happened);
    (exceeded ? this.#goingOn : this.#beginning).learn(features, happened);
    this.examples++;
  }

  #noteOnset(at: number, exceeds: boolean, learn: boolean): void {
    if (exceeds && !this.#exceeded) {
      if (learn) this.episodes++;
      this.#onsets.push(at);
      if (this.#onsets.length > maxOnsets) this.#onsets.shift();
      this.#period = findPeriod(this.#onsets);
    }
    this.#exceeded = exceeds;
    this.#stepsSince = exceeds ? 0 : this.#stepsSince + 1;
  }

  #read(at: number, count: number, inWindow: number, others: number): Float64Array {
    const horizonMs = this.#horizon * this.#stepMs;
    const features = new Float64Array(this.names.length);
    const before = sum(this.#counts.slice(0, -this.#horizon));
    const period = this.#period;
    features[0] = compressed(count);
    features[1] = compressed(inWindow);
    features[2] = compressed(before);
    features[3] = compressed(this.#averageCount * this.#horizon);
    features[4] = compressed(trendOf(this.#counts, this.#stepMs).slope * (this.#stepMs / 1000) ** 2);
    features[5] = compressed(others);
    features[6] = this.#exceeded ? 1 : 0;
    features[7] = Math.log1p(Math.min(this.#stepsSince, 1_000));
    // An onset is seen only when the window is already full of it, up to a window late.
    features[8] = period !== undefined && nextDue(period, at) <= at + horizonMs ? period.strength : 0;
    features.set(this.#signals.values, ownFeatures.length);
    return features;
  }
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
