import { transientKinds } from "./failure.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { InvalidArgumentError } from "./invalid-argument.ts";
import { KindForecast } from "./kind-forecast.ts";
import { logisticModel } from "./logistic-model.ts";
import { checkFunction, checkInteger, checkNumber, checkOptionNames } from "./check-options.ts";
import type { Period } from "./periodicity.ts";
import { preventions } from "./prevention.ts";
import type { PredictionModelFactory } from "./prediction-model.ts";
import { SignalFeatures } from "./signal-features.ts";

export interface ErrorPredictorOptions {
  /** How many errors of a kind in one window are too many: an integer >= 1 each, at least one kind. */
  readonly thresholds: Readonly<Partial<Record<ErrorKind, number>>>;
  /** How far it looks ahead, milliseconds > 0. Default 60 000. */
  readonly windowMs?: number;
  /** How often it is told what happened: a whole part of `windowMs`, at most 1 000 of them. Default 5 000. */
  readonly stepMs?: number;
  /** Names of the numbers that are told with each step: at most 64. Default none. */
  readonly signals?: readonly string[];
  /** Default `logisticModel()`. */
  readonly model?: PredictionModelFactory;
  /** Says nothing of a kind before so many steps were learnt from: >= 1. Default 200. */
  readonly minExamples?: number;
  /** Nor before its threshold was passed so often, each time anew: >= 1. Default 5. */
  readonly minEpisodes?: number;
}

export const errorPredictorDefaults: {
  readonly windowMs: 60_000;
  readonly stepMs: 5_000;
  readonly minExamples: 200;
  readonly minEpisodes: 5;
} = { windowMs: 60_000, stepMs: 5_000, minExamples: 200, minEpisodes: 5 };

/** What happened up to now, told once a step. */
export interface Observation {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** How many errors of each kind there have been since the beginning, as `aggregator.kind(kind).total` tells. */
  readonly totals: Readonly<Partial<Record<ErrorKind, number>>>;
  /** Rates, latencies, open breakers, load: whatever was named in `signals`. */
  readonly signals?: Readonly<Record<string, number>>;
}

export interface KindPrediction {
  readonly kind: ErrorKind;
  /** That its threshold is reached in the next window, 0..1. */
  readonly probability: number;
  /**
   * How much to rely on it, 0..1: by how much the predictions of the last 1 000 steps were better than the base rate
   * (Brier skill). 0 means: no better.
   */
  readonly confidence: number;
  /** How often the threshold was reached, 0..1. */
  readonly baseRate: number;
  /** Whether the last window reaches it already. */
  readonly exceeded: boolean;
  /** After which it tends to come, if it does. */
  readonly period: Period | undefined;
  /** What to do about it. */
  readonly advice: string;
  /** What speaks for it most, in terms of the model; none for a model that cannot tell. */
  readonly evidence: readonly { readonly feature: string; readonly value: number; readonly weight: number }[];
}

/** What is missing before a kind can be predicted. */
export interface MissingData {
  readonly kind: ErrorKind;
  readonly examples: number;
  readonly minExamples: number;
  readonly episodes: number;
  readonly minEpisodes: number;
}

export type Prediction =
  | {
      readonly ready: true;
      /** The most probable first. */
      readonly kinds: readonly KindPrediction[];
      readonly expected: KindPrediction;
      readonly missing: readonly MissingData[];
    }
  | { readonly ready: false; readonly reason: "not enough data"; readonly missing: readonly MissingData[] };

export interface ErrorPredictor {
  /**
   * Tells what happened since the last step, and learns from it. A step that comes more than half a step early is left for
   * the next; after a gap of more than one and a half, or back in time, nothing is learnt across.
   *
   * @param options `learn: false` to look only: predictions go on, the models stay as they are
   */
  observe(observation: Observation, options?: { readonly learn?: boolean }): void;
  predict(): Prediction;
}

/**
 * Learns online, from the steps it is told, how probable it is that errors of a kind reach their threshold within the next
 * window. It says "not enough data" until it has seen enough. Memory is bounded; it starts no timers and reads no clock.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const predictor = createErrorPredictor({ thresholds: { timeout: 20 }, signals: ["p99Ms", "load"] });
 * // every 5 s:
 * predictor.observe({ at: clock.now(), totals: { timeout: errors.kind("timeout").total }, signals: { p99Ms, load } });
 * const prediction = predictor.predict();
 * if (prediction.ready && prediction.expected.probability > 0.5) shedLoad(prediction.expected.advice);
 */
export function createErrorPredictor(options: ErrorPredictorOptions): ErrorPredictor {
  const { thresholds, windowMs, stepMs, signals, model, minExamples, minEpisodes } = checked(options);
  const shared = new SignalFeatures(signals);
  const horizon = Math.round(windowMs / stepMs);
  const forecasts = (Object.entries(thresholds) as [ErrorKind, number][]).map(
    ([kind, threshold]) => new KindForecast(kind, threshold, model, shared, stepMs, horizon),
  );
  let lastAt: number | undefined;
  let lastTotals: Observation["totals"] = {};

  return {
    observe({ at, totals, signals: numbers = {} }, { learn = true } = {}) {
      checkNumber("errorPredictor.observe.at", at, -Number.MAX_VALUE);
      for (const [kind, total] of Object.entries(totals))
        checkNumber(`errorPredictor.observe.totals.${kind}`, total, 0);
      const steps = lastAt === undefined ? Infinity : (at - lastAt) / stepMs;
      if (steps >= 0 && steps < 0.5) return;
      if (steps > 1.5 || steps < 0) {
        for (const forecast of forecasts) forecast.interrupt();
        shared.clear();
      }
      const counts = new Map<string, number>();
      let all = 0;
      for (const kind of Object.keys(transientKinds) as ErrorKind[]) {
        // Totals that fell belong to a program that started again.
        const count = Math.max(0, (totals[kind] ?? 0) - (lastTotals[kind] ?? 0));
        counts.set(kind, count);
        all += count;
      }
      const isFirst = steps > 1.5 || steps < 0;
      lastAt = at;
      lastTotals = { ...totals };
      // What was counted before the first step, nobody knows when.
      if (isFirst) return;
      shared.observe(numbers);
      for (const forecast of forecasts) {
        const count = counts.get(forecast.kind) ?? 0;
        forecast.observe(at, count, all - count, learn);
      }
    },
    predict() {
      const missing = forecasts
        .filter(({ examples, episodes }) => examples < minExamples || episodes < minEpisodes)
        .map(({ kind, examples, episodes }) => ({ kind, examples, minExamples, episodes, minEpisodes }));
      const kinds: KindPrediction[] = [];
      for (const forecast of forecasts) {
        const { kind, probability, score, exceeded, period } = forecast;
        if (probability === undefined || missing.some((each) => each.kind === kind)) continue;
        const evidence = forecast.evidence(3);
        kinds.push({
          kind,
          probability,
          confidence: score.skill,
          baseRate: score.baseRate,
          exceeded,
          period,
          advice: preventions[kind],
          evidence,
        });
      }
      kinds.sort((one, two) => two.probability - one.probability);
      const [expected] = kinds;
      if (expected === undefined) return { ready: false, reason: "not enough data", missing };
      return { ready: true, kinds, expected, missing };
    },
  };
}

function checked(options: ErrorPredictorOptions): Required<ErrorPredictorOptions> {
  checkOptionNames("errorPredictor", options, [
    ...Object.keys(errorPredictorDefaults),
    "thresholds",
    "signals",
    "model",
  ]);
  const all = { ...errorPredictorDefaults, signals: [], model: logisticModel(), ...options };
  const { thresholds, windowMs, stepMs, signals, model, minExamples, minEpisodes } = all;
  checkOptionNames("errorPredictor.thresholds", thresholds, Object.keys(transientKinds));
  if (Object.keys(thresholds).length === 0) {
    throw new InvalidArgumentError("errorPredictor.thresholds", "must have at least one kind", thresholds);
  }
  for (const [kind, threshold] of Object.entries(thresholds)) {
    checkInteger(`errorPredictor.thresholds.${kind}`, threshold, 1);
  }
  checkNumber("errorPredictor.windowMs", windowMs, Number.MIN_VALUE);
  checkNumber("errorPredictor.stepMs", stepMs, windowMs / 1_000, windowMs);
  if (Math.abs(windowMs / stepMs - Math.round(windowMs / stepMs)) > 1e-9) {
    throw new InvalidArgumentError("errorPredictor.stepMs", `must be a whole part of windowMs (${windowMs})`, stepMs);
  }
  const isList = Array.isArray(signals) && signals.every((name) => typeof name === "string" && name !== "");
  if (!isList || signals.length > 64 || new Set(signals).size < signals.length) {
    throw new InvalidArgumentError("errorPredictor.signals", "must be at most 64 different names", signals);
  }
  checkFunction("errorPredictor.model", model);
  checkInteger("errorPredictor.minExamples", minExamples, 1);
  checkInteger("errorPredictor.minEpisodes", minEpisodes, 1);
  return all;
}
