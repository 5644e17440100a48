import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { createErrorPredictor, type ErrorPredictor, type ErrorPredictorOptions } from "./error-predictor.ts";
import { logisticModel, type LogisticModelOptions } from "./logistic-model.ts";
import type { PredictionModelFactory } from "./prediction-model.ts";
import { PredictionScore } from "./prediction-score.ts";

const options = { thresholds: { timeout: 10 }, windowMs: 20_000, stepMs: 5_000 } as const;

/** Tells steps one after the other; `counts` are of timeouts. */
function teller(predictor: ErrorPredictor) {
  let at = 0;
  let total = 0;
  return (count: number, signals: Readonly<Record<string, number>> = {}, learn = true): void => {
    at += 5_000;
    total += count;
    predictor.observe({ at, totals: { timeout: total }, signals }, { learn });
  };
}

/** Load rises for four steps before errors come for four; quiet steps between are many, and their number is drawn. */
function episode(step: (count: number, signals: { load: number }) => void, random: () => number): void {
  for (let quiet = 10 + Math.floor(30 * random()); quiet > 0; quiet--) step(0, { load: 100 + 5 * random() });
  for (const load of [200, 400, 800, 1600]) step(0, { load });
  for (let i = 0; i < 4; i++) step(8, { load: 1600 });
}

describe("an error predictor", () => {
  it("says what is missing until there is enough data", () => {
    const predictor = createErrorPredictor({ ...options, minExamples: 30, minEpisodes: 2 });
    const step = teller(predictor);
    expect(predictor.predict()).toEqual({
      ready: false,
      reason: "not enough data",
      missing: [{ kind: "timeout", examples: 0, minExamples: 30, episodes: 0, minEpisodes: 2 }],
    });
    for (let i = 0; i < 40; i++) step(i === 20 ? 15 : 0);
    expect(predictor.predict()).toMatchObject({ ready: false, missing: [{ examples: 35, episodes: 1 }] });
    for (let i = 0; i < 10; i++) step(i === 5 ? 15 : 0);
    expect(predictor.predict()).toMatchObject({ ready: true, missing: [] });
  });

  it("learns what precedes errors, and says so before they come, with advice and evidence", () => {
    const predictor = createErrorPredictor({ ...options, signals: ["load"] });
    const step = teller(predictor);
    const random = seededRandom(3);
    for (let i = 0; i < 30; i++) episode(step, () => random.next());
    for (let i = 0; i < 20; i++) step(0, { load: 102 });
    const quiet = predictor.predict();
    for (const load of [200, 400, 800]) step(0, { load });
    const rising = predictor.predict();
    if (!quiet.ready || !rising.ready) throw new Error("not ready");
    expect(quiet.expected.probability).toBeLessThan(0.2);
    expect(rising.expected).toMatchObject({ kind: "timeout", exceeded: false });
    expect(rising.expected.probability).toBeGreaterThan(0.8);
    expect(rising.expected.confidence).toBeGreaterThan(0.5);
    expect(rising.expected.advice).toContain("shed load");
    expect(rising.expected.evidence.map(({ feature }) => feature).join()).toContain("load");
  });

  it("has no confidence in predictions of what comes by chance", () => {
    const predictor = createErrorPredictor(options);
    const step = teller(predictor);
    const random = seededRandom(5);
    for (let i = 0; i < 3_000; i++) step(random.next() < 0.05 ? 12 : 0);
    const prediction = predictor.predict();
    expect(prediction.ready && prediction.expected.confidence).toBeLessThan(0.1);
  });

  it("learns features only with what came strictly after them", () => {
    const learnt: [value: number, happened: boolean][] = [];
    const spy: PredictionModelFactory = (count) => ({
      name: "spy",
      // The signal is behind the nine features of the errors themselves.
      learn: (features, happened) => learnt.push([Math.round(Math.expm1(features[count - 3] as number)), happened]),
      probability: () => 0.5,
    });
    const predictor = createErrorPredictor({ ...options, signals: ["step"], model: spy });
    const step = teller(predictor);
    for (let i = 0; i < 20; i++) step(i === 10 ? 10 : 0, { step: i });
    // The window after step i is i + 1 up to i + 4, so errors at 10 follow 6, 7, 8 and 9, and neither 5 nor 10.
    expect(learnt.filter(([, happened]) => happened).map(([value]) => value)).toEqual([6, 7, 8, 9]);
    expect(learnt.map(([value]) => value)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  });

  it("corrects a model that is too sure of itself by what came of its predictions", () => {
    const braggart: PredictionModelFactory = (count) => ({
      name: "braggart",
      learn: () => undefined,
      probability: (features) => ((features[count - 3] as number) > 0 ? 0.99 : 0.01),
    });
    const predictor = createErrorPredictor({ ...options, signals: ["warning"], model: braggart });
    const step = teller(predictor);
    const random = seededRandom(7);
    // After a warning errors come in two cases of three, without one in one of ten.
    for (let i = 0; i < 6_000; i++) {
      const warning = i % 20 === 5 ? 1 : 0;
      step(0, { warning });
      if (i % 20 !== 5) continue;
      step(random.next() < 0.67 ? 12 : 0, { warning: 0 });
      for (let quiet = 0; quiet < 6; quiet++) step(0, { warning: 0 });
    }
    step(0, { warning: 1 });
    const warned = predictor.predict();
    expect(warned.ready && warned.expected.probability).toBeGreaterThan(0.5);
    expect(warned.ready && warned.expected.probability).toBeLessThan(0.95);
  });

  it("asks one model whether errors begin and another whether they go on", () => {
    const learnt: boolean[][] = [];
    const spy: PredictionModelFactory = () => {
      const own: boolean[] = [];
      learnt.push(own);
      // The seventh feature says whether the threshold is reached now.
      return { name: "spy", learn: (features) => own.push(features[6] === 1), probability: () => 0.5 };
    };
    const predictor = createErrorPredictor({ ...options, model: spy });
    const step = teller(predictor);
    for (let i = 0; i < 40; i++) step(i % 20 === 10 ? 12 : 0);
    expect(learnt).toHaveLength(2);
    const [beginning = [], goingOn = []] = learnt;
    expect(beginning.length).toBeGreaterThan(20);
    expect(beginning).not.toContain(true);
    expect(goingOn).toHaveLength(8);
    expect(goingOn).not.toContain(false);
  });

  it("asks the one model while the other has learnt too little to say", () => {
    let made = 0;
    const half: PredictionModelFactory = () => {
      const knows = made++ === 0;
      return { name: "half", learn: () => undefined, probability: () => (knows ? 0.3 : undefined) };
    };
    const predictor = createErrorPredictor({ ...options, model: half, minExamples: 1, minEpisodes: 1 });
    const step = teller(predictor);
    for (let i = 0; i < 12; i++) step(i === 11 ? 12 : 0);
    for (let i = 0; i < 5; i++) step(0);
    step(12);
    const prediction = predictor.predict();
    expect(prediction.ready && prediction.expected.exceeded).toBe(true);
    expect(prediction.ready && prediction.expected.probability).toBeCloseTo(0.3, 1);
  });

  it("learns nothing across a gap, nor when it is not to", () => {
    let learnt = 0;
    const spy: PredictionModelFactory = () => ({
      name: "spy",
      learn: () => void learnt++,
      probability: () => 0.5,
    });
    const predictor = createErrorPredictor({ ...options, model: spy });
    for (let run = 0; run < 10; run++) {
      for (let i = 0; i < 5; i++) predictor.observe({ at: 1e6 * run + 5_000 * i, totals: {} });
    }
    expect(learnt).toBe(0);
    for (let i = 0; i < 20; i++) predictor.observe({ at: 5_000 * i, totals: {} }, { learn: false });
    expect(learnt).toBe(0);
    for (let i = 20; i < 25; i++) predictor.observe({ at: 5_000 * i, totals: {} });
    expect(learnt).toBe(5);
  });

  it("takes missing and senseless signals, and totals that fall", () => {
    const predictor = createErrorPredictor({ ...options, signals: ["a", "b"], minExamples: 1, minEpisodes: 1 });
    for (let i = 0; i < 60; i++) {
      const signals = i % 3 === 0 ? {} : { a: Number.NaN, b: Infinity };
      predictor.observe({ at: 5_000 * i, totals: { timeout: 5 * (i % 20) }, signals });
    }
    const prediction = predictor.predict();
    expect(prediction.ready && prediction.expected.probability).toBeGreaterThanOrEqual(0);
  });

  it("knows an error that comes by the clock", () => {
    const predictor = createErrorPredictor(options);
    const step = teller(predictor);
    for (let i = 0; i < 600; i++) step(i % 24 === 0 ? 12 : 0);
    const prediction = predictor.predict();
    expect(prediction.ready && prediction.expected.period?.periodMs).toBeCloseTo(120_000, -3);
  });

  it.each([
    [{ thresholds: {} }, "errorPredictor.thresholds must have at least one kind"],
    [{ thresholds: { timeout: 0 } }, "errorPredictor.thresholds.timeout must be an integer >= 1 (got 0)"],
    [{ thresholds: { other: 1 } }, "errorPredictor.thresholds.other is no option"],
    [{ ...options, stepMs: 3_000 }, "errorPredictor.stepMs must be a whole part of windowMs (20000) (got 3000)"],
    [{ ...options, signals: ["a", "a"] }, "errorPredictor.signals must be at most 64 different names"],
    [{ ...options, minEpisodes: 0 }, "errorPredictor.minEpisodes must be an integer >= 1 (got 0)"],
    [{ ...options, kinds: 1 }, "errorPredictor.kinds is no option"],
  ])("refuses %j", (given, message) => {
    expect(() => createErrorPredictor(given as ErrorPredictorOptions)).toThrow(message);
  });

  it("refuses observations that cannot be", () => {
    const predictor = createErrorPredictor(options);
    expect(() => predictor.observe({ at: Number.NaN, totals: {} })).toThrow("errorPredictor.observe.at");
    expect(() => predictor.observe({ at: 0, totals: { timeout: -1 } })).toThrow(
      "errorPredictor.observe.totals.timeout",
    );
  });
});

describe("logisticModel", () => {
  it("learns a probability, and which feature decides", () => {
    const random = seededRandom(8);
    const model = logisticModel()(2);
    expect(model.probability(Float64Array.of(0, 0))).toBeUndefined();
    for (let i = 0; i < 5_000; i++) {
      const [x, noise] = [random.next(), 1e6 * random.next()];
      model.learn(Float64Array.of(x, noise), random.next() < x);
    }
    for (const x of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      expect(Math.abs((model.probability(Float64Array.of(x, 5e5)) as number) - x)).toBeLessThan(0.1);
    }
    const [own = 0, other = 0] = model.contributions?.(Float64Array.of(0.9, 9e5)) ?? [];
    expect(own).toBeGreaterThan(5 * Math.abs(other));
  });

  it.each([
    [{ learningRate: 0 }, "logisticModel.learningRate must be a number"],
    [{ maxExamples: 0 }, "logisticModel.maxExamples must be an integer >= 1 and <= 100000 (got 0)"],
    [{ replays: 101 }, "logisticModel.replays must be an integer >= 0 and <= 100 (got 101)"],
    [{ rate: 1 }, "logisticModel.rate is no option"],
  ])("refuses %j", (given, message) => {
    expect(() => logisticModel(given as LogisticModelOptions)).toThrow(message);
  });
});

describe("PredictionScore", () => {
  it("has skill for what comes true only", () => {
    const [good, base] = [new PredictionScore(), new PredictionScore()];
    expect(good.skill).toBe(0);
    for (let i = 0; i < 500; i++) {
      good.add(i % 5 === 0 ? 0.9 : 0.1, i % 5 === 0);
      base.add(0.2, i % 5 === 0);
    }
    expect(good.skill).toBeGreaterThan(0.9);
    expect(base.skill).toBeLessThan(0.05);
    expect(base.baseRate).toBeCloseTo(0.2, 1);
  });
});
