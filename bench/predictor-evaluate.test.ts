import { logisticModel } from "holdfast/errors";
import { describe, expect, it } from "vitest";
import { baseRate, movingAverage, type Baseline } from "./predictor-baselines.ts";
import { evaluateBaseline, evaluatePredictor, horizonOf, type Run, type Setting } from "./predictor-evaluate.ts";

const setting: Setting = {
  thresholds: { timeout: 2, network: 1, resource: 100 },
  windowMs: 2_000,
  stepMs: 1_000,
  signals: ["load"],
};

/** A run from how many timeouts came at each step after the first. */
function runOf(timeouts: readonly number[], load: (step: number) => number = () => 0): Run {
  let total = 0;
  const totals = [0, ...timeouts.map((count) => (total += count))];
  return {
    observations: totals.map((timeout, step) => ({
      at: step * 1_000,
      totals: { timeout, network: 0, resource: 0 },
      signals: { load: load(step) },
    })),
  };
}

/** Whether so many came in the two steps after this one; undefined where the run ends before. */
function truth(timeouts: readonly number[], step: number): boolean | undefined {
  if (step + 2 > timeouts.length) return undefined;
  return (timeouts[step] ?? 0) + (timeouts[step + 1] ?? 0) >= 2;
}

describe("evaluateBaseline", () => {
  it("learns what came of a step when its window is over, and scores held-out steps without learning", () => {
    const run = runOf([0, 1, 1, 0, 0]);
    const { kinds, missing } = evaluateBaseline(setting, baseRate, [run], [run, run]);
    const { training, runs } = kinds.get("timeout") ?? { training: [], runs: [] };
    // Of steps 1, 2 and 3 the first came true, which is known at steps 3, 4 and 5; what follows steps 4 and 5 is not.
    expect(training).toEqual([{ probability: 1, happened: false, exceeded: true }]);
    const each = [
      { probability: 1 / 3, happened: true, exceeded: false },
      { probability: 1 / 3, happened: false, exceeded: false },
      { probability: 1 / 3, happened: false, exceeded: true },
    ];
    expect(runs).toEqual([each, each]);
    expect(missing).toEqual([]);
    expect(kinds.get("network")?.runs[0]?.map(({ probability }) => probability)).toEqual([0, 0, 0]);
    expect(horizonOf(setting)).toBe(2);
  });

  it("takes no threshold for reached before there was a whole window", () => {
    const { kinds } = evaluateBaseline(setting, baseRate, [runOf([0, 0, 0, 0])], [runOf([2, 0, 2, 0, 0])]);
    expect(kinds.get("timeout")?.runs[0]?.map(({ exceeded }) => exceeded)).toEqual([false, true, true]);
  });

  it("asks with the errors of the last window", () => {
    const learnt: [number, boolean][] = [];
    const asked: number[] = [];
    const spy: Baseline = {
      learn: (errors, happened) => void learnt.push([errors, happened]),
      probability: (errors) => {
        asked.push(errors);
        return 0.5;
      },
    };
    evaluateBaseline(
      { ...setting, thresholds: { ...setting.thresholds, timeout: 3 } },
      () => spy,
      [runOf([1, 2, 4])],
      [],
    );
    // Steps 1 to 3 of three kinds, of which the last two have no errors; step 1 is learnt from at step 3.
    expect(asked).toEqual([1, 3, 6, 0, 0, 0, 0, 0, 0]);
    expect(learnt).toEqual([
      [1, true],
      [0, false],
      [0, false],
    ]);
  });

  it("the moving average tells errors that go on from quiet", () => {
    // Ten steps of quiet, ten of errors: what was in the last window is most likely in the next.
    const timeouts = Array.from({ length: 400 }, (_, step) => (step % 20 < 10 ? 0 : 3));
    const { kinds } = evaluateBaseline(setting, movingAverage, [runOf(timeouts)], [runOf(timeouts)]);
    const scored = kinds.get("timeout")?.runs[0] ?? [];
    const mean = (exceeded: boolean): number => {
      const own = scored.filter((each) => each.exceeded === exceeded);
      return own.reduce((sum, { probability }) => sum + probability, 0) / own.length;
    };
    expect(mean(true)).toBeGreaterThan(0.6);
    expect(mean(false)).toBeLessThan(0.4);
  });
});

describe("evaluatePredictor", () => {
  const timeouts = Array.from({ length: 600 }, (_, step) => (step % 25 < 20 ? 0 : 1));
  const run = runOf(timeouts, (step) => step % 25);

  it("scores what was said against the record, and learns nothing of held-out runs", () => {
    const { kinds, missing } = evaluatePredictor(setting, logisticModel(), [run, run], [run, run]);
    const runs = kinds.get("timeout")?.runs ?? [];
    const [first = [], second] = runs;
    expect(missing.map(({ kind }) => kind)).not.toContain("timeout");
    expect(first.length).toBeGreaterThan(500);
    expect(second).toEqual(first);
    // The scored steps are the last ones of which it is known what came.
    const known = timeouts.map((_, step) => truth(timeouts, step)).filter((each) => each !== undefined);
    expect(first.map(({ happened }) => happened)).toEqual(known.slice(known.length - first.length));
    expect(kinds.get("timeout")?.training.length).toBeGreaterThan(0);
  });

  it("says of which kinds there is too little to learn from", () => {
    const { kinds, missing } = evaluatePredictor(setting, logisticModel(), [runOf(timeouts.slice(0, 30))], [run]);
    expect(missing.map(({ kind }) => kind)).toEqual(["timeout", "network", "resource"]);
    expect(kinds.get("timeout")?.runs).toEqual([[]]);
  });
});
