import { describe, expect, it } from "vitest";
import type { Results, Setting } from "./predictor-evaluate.ts";
import { figuresOf, rowsOf, type Figure } from "./predictor-figures.ts";
import type { Scored } from "./predictor-score.ts";

const setting: Setting = {
  thresholds: { timeout: 2, network: 1, resource: 1 },
  windowMs: 2_000,
  stepMs: 1_000,
  signals: [],
};

/** Quiet, quiet, foreseen, reached: so often. */
function episodes(count: number): Scored[] {
  return Array.from({ length: count }, (): Scored[] => [
    { probability: 0.1, happened: false, exceeded: false },
    { probability: 0.1, happened: false, exceeded: false },
    { probability: 0.9, happened: true, exceeded: false },
    { probability: 0.9, happened: true, exceeded: true },
  ]).flat();
}

function results(runs: Scored[][], missing: Results["missing"] = []): Results {
  return { kinds: new Map([["timeout", { training: episodes(10), runs }]]), missing };
}

describe("figuresOf", () => {
  it("gives each figure its direction, from held-out runs alone", () => {
    const lines: string[] = [];
    const figures = figuresOf("tree", setting, results([episodes(3), episodes(3)]), (line) => lines.push(line));
    expect(figures.map(({ metric, better, value }) => [metric, better, Number(value.toFixed(4))])).toEqual([
      ["timeout: ROC AUC", "higher", 1],
      ["timeout: ROC AUC while quiet", "higher", 1],
      ["timeout: Brier score", "lower", 0.01],
      ["timeout: reliability", "lower", 0.01],
      ["timeout: calibration error", "lower", 0.1],
      ["timeout: calibration error by state", "lower", 0.1],
      ["timeout: lead time", "higher", 1],
      ["timeout: onsets foreseen", "higher", 1],
    ]);
    expect(lines[0]).toContain("tree: timeout: AUC 1.000");
    expect(lines[0]).toContain("100 % of 6 onsets foreseen 1.0 s ahead with 0.0 % false alarms");
    expect(lines[0]).toContain("it happened in 50.0 % of 24 steps");
    expect(lines[1]).toBe("  said → happened: 0.10→0.00 (12), 0.90→1.00 (12)");
  });

  it.each<[string, Results, string]>([
    ["too few onsets", results([episodes(4)]), "tree: timeout: not enough data: 4 of 5 onsets in the runs held out"],
    [
      "too little to learn from",
      results([episodes(9)], [{ kind: "timeout", examples: 30, minExamples: 200, episodes: 1, minEpisodes: 5 }]),
      "tree: timeout: not enough data: 30 of 200 examples, 1 of 5 episodes",
    ],
  ])("gives none where there are %s", (_, given, line) => {
    const lines: string[] = [];
    expect(figuresOf("tree", setting, given, (each) => lines.push(each))).toEqual([]);
    expect(lines).toEqual([line]);
  });
});

describe("rowsOf", () => {
  const figure = (value: number): Figure => ({ metric: "timeout: ROC AUC", unit: "", better: "higher", value });

  it("puts each contender beside the baselines", () => {
    const figures = new Map([
      ["base rate", [figure(0.5)]],
      ["moving average", [figure(0.8)]],
      ["tree", [figure(0.9)]],
    ]);
    expect(rowsOf(figures, ["base rate", "moving average"], "simulated: ")).toEqual([
      {
        case: "simulated: tree: timeout: ROC AUC",
        unit: "",
        better: "higher",
        ours: 0.9,
        peers: { "base rate": 0.5, "moving average": 0.8 },
      },
    ]);
  });

  it("compares nothing with what was not measured", () => {
    const figures = new Map([
      ["base rate", []],
      ["tree", [figure(0.9)]],
    ]);
    expect(() => rowsOf(figures, ["base rate"], "")).toThrow("timeout: ROC AUC was not measured of base rate");
  });
});
