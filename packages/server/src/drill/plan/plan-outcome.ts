import type { DrillMeasures } from "holdfast/proof";
import type { ExecutionStatus, PlanHistoryEntry } from "holdfast/recovery";

/** Something that a plan's command has done: `work-1`, `undo-work-1`. Milliseconds since 1970. */
export interface PlanEffect {
  readonly what: string;
  readonly at: number;
}

/** What became of a plan whose orchestrator was killed. */
export interface PlanOutcome {
  /** It was to fail, and to be undone. */
  readonly fails: boolean;
  /** It ended as it should, and did and undid all that it has recorded. */
  readonly endedRight: boolean;
  /** Tries of commands that are recorded, those that undo included. */
  readonly tries: number;
  /** Effects after their step was recorded as done, and effects beyond the tries that are recorded. */
  readonly repeated: number;
  /** From the kill until another orchestrator has recorded that it goes on. */
  readonly takeoverMs: number | undefined;
}

export interface PlanEvidence {
  readonly fails: boolean;
  readonly status: ExecutionStatus;
  readonly history: readonly PlanHistoryEntry[];
  readonly effects: readonly PlanEffect[];
  /** Steps that run a command. */
  readonly works: readonly string[];
  /** How often the key of the configuration update was written since it is there; 0: it is not there. */
  readonly modeWrites: number;
  readonly killedAt: number;
}

/** Judges what a plan did by what it has recorded: all on one machine, whose time of day orders them. */
export function judgePlan(evidence: PlanEvidence): PlanOutcome {
  const { fails, status, history, effects, works, modeWrites, killedAt } = evidence;
  let tries = 0;
  let repeated = Math.max(0, modeWrites - 1);
  let missing = 0;
  for (const step of works) {
    for (const [what, begun, done] of [
      [step, "stepStarted", "stepCompleted"],
      [`undo-${step}`, "undoStarted", "undoCompleted"],
    ] as const) {
      const facts = history.filter((fact) => "step" in fact && fact.step === step);
      const own = effects.filter((effect) => effect.what === what);
      const begins = facts.filter(({ type }) => type === begun).length;
      const doneAt = facts.find(({ type }) => type === done)?.at;
      const late = doneAt === undefined ? 0 : own.filter(({ at }) => at > doneAt).length;
      tries += begins;
      repeated += Math.max(late, own.length - begins, 0);
      if (doneAt !== undefined && own.length === 0) missing++;
    }
  }
  const done = (type: PlanHistoryEntry["type"]): number =>
    history.filter((fact) => fact.type === type && "step" in fact && works.includes(fact.step)).length;
  const allDone = done("stepCompleted") === works.length && missing === 0;
  const endedRight = fails
    ? status === "failed" && allDone && done("undoCompleted") === works.length && modeWrites === 0
    : status === "completed" && allDone && done("undoStarted") === 0 && modeWrites > 0;
  const takenOver = history.find(({ type, at }) => type === "takenOver" && at >= killedAt);
  return { fails, endedRight, tries, repeated, takeoverMs: takenOver && takenOver.at - killedAt };
}

/** The measures that rules can name; none where no plan was run. */
export function planMeasures(outcomes: readonly PlanOutcome[]): DrillMeasures {
  if (outcomes.length === 0) return {};
  const all = (own: readonly PlanOutcome[]): boolean | null =>
    own.length === 0 ? null : own.every(({ endedRight }) => endedRight);
  const takeovers = outcomes.map(({ takeoverMs }) => takeoverMs);
  return {
    planCompleted: all(outcomes.filter(({ fails }) => !fails)),
    planRolledBack: all(outcomes.filter(({ fails }) => fails)),
    steps: outcomes.reduce((sum, { tries }) => sum + tries, 0),
    repeated: outcomes.reduce((sum, { repeated }) => sum + repeated, 0),
    takeoverMs: takeovers.some((ms) => ms === undefined) ? null : Math.max(...takeovers.map((ms) => ms ?? 0)),
  };
}
