import type { PlanHistoryEntry } from "holdfast/recovery";
import { describe, expect, it } from "vitest";
import { judgePlan, planMeasures, type PlanEffect, type PlanEvidence, type PlanOutcome } from "./plan-outcome.ts";

const works = ["work-1", "work-2"];
const fact = (at: number, type: string, step?: string): PlanHistoryEntry =>
  ({ at, type, ...(step === undefined ? {} : { step, attempt: 1 }), by: "b" }) as unknown as PlanHistoryEntry;

/** One step after the other; killed at 35, in the middle of the second, which is tried again. */
const history = [
  fact(0, "executionStarted"),
  fact(10, "stepStarted", "work-1"),
  fact(20, "stepCompleted", "work-1"),
  fact(30, "stepStarted", "work-2"),
  fact(50, "takenOver"),
  fact(50, "stepStarted", "work-2"),
  fact(60, "stepCompleted", "work-2"),
];
const undone = [
  fact(70, "undoStarted", "work-2"),
  fact(80, "undoCompleted", "work-2"),
  fact(90, "undoStarted", "work-1"),
  fact(100, "undoCompleted", "work-1"),
];
const effect = (at: number, what: string): PlanEffect => ({ at, what });
const effects = [effect(12, "work-1"), effect(32, "work-2"), effect(55, "work-2")];
const undoEffects = [effect(75, "undo-work-2"), effect(95, "undo-work-1")];
const right: PlanEvidence = { fails: false, status: "completed", history, effects, works, modeWrites: 1, killedAt: 35 };
const rolledBack: PlanEvidence = {
  ...right,
  fails: true,
  status: "failed",
  history: [...history, ...undone],
  effects: [...effects, ...undoEffects],
  modeWrites: 0,
};

describe("what a plan did, by what it has recorded", () => {
  it.each<[title: string, evidence: PlanEvidence, expected: Partial<PlanOutcome>]>([
    ["all is well: an interrupted try is no repetition", right, { endedRight: true, tries: 3, repeated: 0 }],
    ["the time until another has recorded that it goes on", right, { takeoverMs: 15 }],
    ["undone, each once", rolledBack, { endedRight: true, tries: 5, repeated: 0 }],
    [
      "once more after it was recorded as done",
      { ...right, effects: [...effects, effect(70, "work-1")] },
      { repeated: 1 },
    ],
    ["more often than tries are recorded", { ...right, effects: [...effects, effect(15, "work-1")] }, { repeated: 1 }],
    ["undone twice", { ...rolledBack, effects: [...rolledBack.effects, effect(110, "undo-work-1")] }, { repeated: 1 }],
    ["the key was written twice", { ...right, modeWrites: 2 }, { repeated: 1, endedRight: true }],
    ["recorded as done, and nobody did it", { ...right, effects: effects.slice(1) }, { endedRight: false }],
    ["not undone", { ...rolledBack, history: [...history, ...undone.slice(0, 2)] }, { endedRight: false }],
    ["completed, and still undone in part", { ...right, history: [...history, undone[0]!] }, { endedRight: false }],
    ["failed, and should not have", { ...right, status: "failed" }, { endedRight: false }],
    ["nobody took over", { ...right, history: history.toSpliced(4, 1) }, { takeoverMs: undefined }],
  ])("%s", (_, evidence, expected) => {
    expect(judgePlan(evidence)).toMatchObject(expected);
  });

  it("all plans of a drill make its measures; none, none", () => {
    const [one, two] = [judgePlan(right), judgePlan(rolledBack)];
    expect(planMeasures([])).toEqual({});
    expect(planMeasures([one, { ...two, endedRight: false, takeoverMs: 20, repeated: 2 }])).toEqual({
      planCompleted: true,
      planRolledBack: false,
      steps: 8,
      repeated: 2,
      takeoverMs: 20,
    });
    expect(planMeasures([{ ...one, takeoverMs: undefined }])).toMatchObject({ planRolledBack: null, takeoverMs: null });
  });
});
