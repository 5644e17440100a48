import type { CompiledPlan } from "./compile-plan.ts";
import { ExecutionDraft, type ExecutionLimits, type Transition } from "./execution-draft.ts";
import { actionOf, type Side } from "./execution-side.ts";
import { isOver, type ExecutionState, type StepState } from "./execution-state.ts";
import type { StepError } from "./step-failure.ts";

/** How a try ended. Of a failure, `mayRetry` says whether it may go away; `draw` in [0, 1) spreads the wait. */
export type AttemptOutcome =
  | { readonly type: "completed"; readonly outputOmitted?: boolean }
  | { readonly type: "failed"; readonly error: StepError; readonly mayRetry: boolean; readonly draw: number };

/** What happens to an execution; `at` is wall time. */
export type ExecutionInput =
  | { readonly type: "begin"; readonly at: number }
  | {
      readonly type: "ended";
      readonly side: Side;
      readonly step: string;
      readonly attempt: number;
      readonly outcome: AttemptOutcome;
      readonly at: number;
    }
  /** Time has passed. */
  | { readonly type: "tick"; readonly at: number; readonly draw: number }
  | { readonly type: "cancel"; readonly by: string; readonly reason?: string; readonly at: number }
  | {
      readonly type: "approve";
      readonly step: string;
      readonly approved: boolean;
      readonly by: string;
      readonly comment?: string;
      readonly at: number;
    }
  | { readonly type: "takeOver"; readonly by: string; readonly at: number; readonly draw: number };

const timedOut: StepError = { kind: "timeout", code: "STEP_TIMED_OUT", message: "took too long" };
const stopped: StepError = { kind: "unknown", code: "STEP_STOPPED", message: "the execution was stopped" };

/**
 * What an input makes of an execution: its next state, what is to be remembered of it, and what is to be done once both
 * are recorded. No clock, no promise.
 */
export function stepExecution(
  plan: CompiledPlan,
  state: ExecutionState,
  input: ExecutionInput,
  limits: ExecutionLimits,
): Transition {
  const draft = new ExecutionDraft(plan, state, input.at, limits);
  if (!isOver(state.status)) {
    apply(draft, input);
    draft.advance();
  }
  return draft.finish();
}

/** When the next `tick` is needed: wall time, or Infinity. */
export function dueAt({ status, timeoutAt = Infinity, cause, steps, rollback }: ExecutionState): number {
  if (status === "pending" || isOver(status)) return Infinity;
  const isRunning = status === "running" && cause === undefined;
  let due = isRunning ? timeoutAt : Infinity;
  for (const all of [steps, rollback]) {
    for (const id in all) due = Math.min(due, stepDueAt(all[id]!));
  }
  return due;
}

function stepDueAt(step: StepState): number {
  if (step.status === "retrying") return step.retryAt ?? Infinity;
  if (step.status === "running") return (step.told === undefined ? step.timeoutAt : step.graceUntil) ?? Infinity;
  return step.status === "waiting" ? (step.timeoutAt ?? Infinity) : Infinity;
}

function apply(draft: ExecutionDraft, input: ExecutionInput): void {
  switch (input.type) {
    case "begin":
      if (draft.status === "pending") draft.begin();
      return;
    case "cancel": {
      const { by, reason } = input;
      if (draft.isStopping) draft.note({ type: "cancelIgnored", by });
      else draft.stop({ type: "cancelled", by, ...(reason === undefined ? {} : { reason }) });
      return;
    }
    case "approve":
      return approve(draft, input);
    case "ended": {
      const step = draft.stateOf(input.side, input.step);
      if (step?.status === "running" && step.attempts === input.attempt) {
        ended(draft, input.side, input.step, input.outcome);
      }
      return;
    }
    case "tick":
      return tick(draft, input.draw);
    case "takeOver":
      return takeOver(draft, input.by, input.draw);
  }
}

function ended(draft: ExecutionDraft, side: Side, id: string, outcome: AttemptOutcome): void {
  const step = draft.stateOf(side, id)!;
  if (outcome.type === "completed") {
    draft.completed(side, id, { late: step.told !== undefined, outputOmitted: outcome.outputOmitted === true });
    return;
  }
  if (step.told === "stop") {
    draft.cancelled(id, outcome.error, false);
    return;
  }
  const error = step.told === "timeout" ? timedOut : outcome.error;
  failed(draft, side, id, { error, mayRetry: step.told === "timeout" || outcome.mayRetry, draw: outcome.draw });
}

interface Failed {
  readonly error: StepError;
  readonly mayRetry: boolean;
  readonly draw: number;
  readonly inDoubt?: boolean;
}

function failed(draft: ExecutionDraft, side: Side, id: string, { error, mayRetry, draw, inDoubt }: Failed): void {
  const { retry } = actionOf(draft.plan, side, id);
  const { attempts } = draft.stateOf(side, id)!;
  const goesOn = side === "undo" || !draft.isStopping;
  if (mayRetry && goesOn && attempts < retry.attempts)
    draft.retryLater(side, id, error, { retry, draw, inDoubt: inDoubt === true });
  else draft.failed(side, id, error, inDoubt === true);
}

function tick(draft: ExecutionDraft, draw: number): void {
  const { at } = draft;
  if (draft.isLate) draft.stop({ type: "timedOut" });
  for (const side of ["forward", "undo"] as const) {
    for (const [id] of draft.entries(side)) {
      // Read anew: what happened to one may have stopped the others.
      const step = draft.stateOf(side, id)!;
      if (stepDueAt(step) > at) continue;
      if (step.status === "retrying") {
        if (side === "undo") draft.run(side, id);
      } else if (step.status === "waiting") draft.failed(side, id, timedOut, false);
      else if (step.told === undefined) draft.tellTimeout(side, id);
      else if (step.told === "stop") draft.cancelled(id, stopped, true);
      else failed(draft, side, id, { error: timedOut, mayRetry: true, draw, inDoubt: true });
    }
  }
}

function approve(draft: ExecutionDraft, input: ExecutionInput & { readonly type: "approve" }): void {
  const { step: id, approved, by, comment } = input;
  const step = draft.stateOf("forward", id);
  if (step?.status !== "waiting") return;
  const approval = { approved, by, ...(comment === undefined ? {} : { comment }) };
  draft.set("forward", id, { ...step, approval });
  draft.note({ type: "approvalGiven", step: id, ...approval });
  if (approved) draft.completed("forward", id, { late: false, outputOmitted: false });
  else draft.failed("forward", id, { kind: "validation", code: "REFUSED", message: `refused by ${by}` }, false);
}

/** Whoever ran the tries under way runs them no longer, and how they ended is not known. */
function takeOver(draft: ExecutionDraft, by: string, draw: number): void {
  if (draft.status === "pending") return;
  draft.note({ type: "takenOver", by });
  for (const side of ["forward", "undo"] as const) {
    const interrupted = draft.entries(side).filter(([, { status }]) => status === "running");
    // Those first that have failed: where one stops the execution, the others are not run again.
    for (const [id, step] of interrupted) {
      const interruptions = (step.interruptions ?? 0) + 1;
      draft.set(side, id, { ...draft.stateOf(side, id)!, interruptions });
      const isTooMuch = interruptions > draft.limits.maxInterruptions || !actionOf(draft.plan, side, id).repeatable;
      if (step.told === "timeout") failed(draft, side, id, { error: timedOut, mayRetry: true, draw, inDoubt: true });
      else if (step.told === undefined && isTooMuch) draft.failed(side, id, interruptedError(interruptions), true);
    }
    for (const [id] of interrupted) {
      const { status, told } = draft.stateOf(side, id)!;
      if (status !== "running") continue;
      if (told === "stop") draft.cancelled(id, stopped, true);
      else draft.runAgain(side, id);
    }
  }
}

function interruptedError(times: number): StepError {
  const message = `was interrupted ${times} time${times === 1 ? "" : "s"} by a crash`;
  return { kind: "unknown", code: "INTERRUPTED", message };
}
