import type { DrillReport } from "holdfast/proof";
import { expect, it } from "vitest";
import { renderDrill } from "./render-drill.ts";

const plain = (_: string, text: string): string => text;

const measures = {
  runs: 1,
  nodes: 3,
  clients: 8,
  operations: 900,
  answeredRatio: 1,
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
};

const passed: DrillReport = {
  drill: "leader-kill",
  summary: "",
  verdict: "passed",
  reason: "",
  measures,
  faults: [{ id: "kill-1", kind: "kill", target: "n1", round: 1, atMs: 1500, lastedMs: 900, happened: true }],
  steadyState: { before: [], after: [] },
  invariants: [{ rule: "lostWrites == 0", actual: 0, holds: true }],
  expectations: [],
  phases: [],
  events: [],
  series: [],
  startedAt: 0,
  durationMs: 1,
};

it("says what was done, what came of it, and the verdict last", () => {
  expect(renderDrill(passed, plain)).toEqual([
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
  const unknown = { ...measures, runs: 0, lostWrites: null, gapMs: null, gapsMs: [], longestSilenceMs: null };
  const lines = renderDrill(
    {
      ...passed,
      measures: { ...unknown, convergedMs: null, linearizable: null },
      verdict: "inconclusive",
      reason: "no leader",
      faults: [],
    },
    plain,
  );
  expect(lines).toEqual([
    "Faults          none in 0 runs",
    "Operations      900, 600 writes acknowledged, 2 unknown",
    "Lost writes     not known",
    "Linearizable    not decided",
    "No service for  - at most",
    "Converged in    -",
    "? inconclusive: leader-kill: no leader",
  ]);
});

it("shows median and worst of several runs", () => {
  const several = { ...measures, runs: 3, medianGapMs: 600, worstGapMs: 900, gapsMs: [500, 600, 900] };
  expect(renderDrill({ ...passed, measures: several }, plain)).toContain(
    "No service for  600 ms (median), 900 ms (worst)",
  );
});

it("names each rule that does not hold", () => {
  const invariants = [
    { rule: "lostWrites == 0", actual: 3, holds: false },
    { rule: "divergedKeys == 0", actual: null, holds: null },
  ];
  const lines = renderDrill({ ...passed, verdict: "failed", reason: "lostWrites == 0 (was 3)", invariants }, plain);
  expect(lines.slice(-3)).toEqual([
    "Not so          lostWrites == 0: was 3",
    "Not so          divergedKeys == 0: not measured",
    "✕ failed: leader-kill: lostWrites == 0 (was 3)",
  ]);
});
