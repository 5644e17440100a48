import { expect, it } from "vitest";
import type { DrillReport } from "../drill/drill-report.ts";
import { renderReport } from "./drill-command.ts";

const plain = (_: string, text: string): string => text;

const passed: DrillReport = {
  drill: "leader-kill",
  verdict: "passed",
  reason: "",
  measures: {
    runs: 1,
    nodes: 3,
    clients: 8,
    operations: 900,
    acknowledgedWrites: 600,
    unknownWrites: 2,
    lostWrites: 0,
    gapMs: 712,
    medianGapMs: 712,
    worstGapMs: 712,
    gapsMs: [712],
    longestSilenceMs: 713,
    convergedMs: 12,
    linearizable: true,
  },
  faults: [
    { kind: "kill", target: "n1", pid: 1, role: "leader", term: 1, atMs: 1500, diedAfterMs: 2, readyAfterMs: 900 },
  ],
  history: null,
};

it("says what was done, what came of it, and the verdict last", () => {
  expect(renderReport(passed, plain)).toEqual([
    "Faults          1 kill in 1 run",
    "Operations      900, 600 writes acknowledged, 2 unknown",
    "Lost writes     0",
    "Linearizable    yes",
    "No service for  712 ms",
    "Converged in    12 ms",
    "✓ passed: leader-kill",
  ]);
});

it("claims nothing that was not looked at", () => {
  const measures = {
    ...passed.measures,
    runs: 0,
    lostWrites: null,
    gapMs: null,
    convergedMs: null,
    linearizable: null,
  };
  const lines = renderReport({ ...passed, measures, verdict: "inconclusive", reason: "no leader", faults: [] }, plain);
  expect(lines).toEqual([
    "Faults          0 kills in 0 runs",
    "Operations      900, 600 writes acknowledged, 2 unknown",
    "Lost writes     not known",
    "Linearizable    not decided",
    "No service for  -",
    "Converged in    -",
    "? inconclusive: leader-kill: no leader",
  ]);
});

it("shows median and worst of several runs", () => {
  const measures = { ...passed.measures, runs: 3, medianGapMs: 600, worstGapMs: 900 };
  expect(renderReport({ ...passed, measures }, plain)).toContain("No service for  600 ms (median), 900 ms (worst)");
});
