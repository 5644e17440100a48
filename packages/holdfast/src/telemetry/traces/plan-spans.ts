import type { ListenedEvent } from "../listener.ts";
import type { PlanFact } from "../plan-fact.ts";
import type { Span } from "./span.ts";
import type { Tracer } from "./tracer.ts";

/** Executions followed at once; beyond, the one that began first is ended as it is. */
const maxExecutions = 1_024;

interface FollowedExecution {
  readonly span: Span;
  /** Of steps, and of steps being undone, that are under way. */
  readonly steps: Map<string, Span>;
}

type TimedPlanFact = PlanFact & { readonly at: number };

/** Fits an orchestrator's `onEvent`, and `telemetry.subscribe`. */
export type PlanSpans = (event: ListenedEvent) => void;

/**
 * Makes spans of what executions of recovery plans tell: one for an execution, and in it one for each try of a step and of
 * its undoing; approvals, timeouts and the beginning of a rollback are events. The times are those of the facts. What goes
 * on at another orchestrator begins a trace there.
 *
 * @example
 * const orchestrator = createOrchestrator({ ...others, onEvent: planSpans(tracer) });
 */
export function planSpans(tracer: Pick<Tracer, "startSpan">): PlanSpans {
  const executions = new Map<string, FollowedExecution>();

  const follow = (fact: TimedPlanFact): FollowedExecution => {
    const known = executions.get(fact.execution);
    if (known !== undefined) return known;
    const [oldest] = executions.keys();
    if (executions.size >= maxExecutions && oldest !== undefined) finish(oldest, fact.at);
    const span = tracer.startSpan(`plan ${fact.plan}`, {
      parent: null,
      startedAt: fact.at,
      attributes: { "holdfast.plan": fact.plan, "holdfast.execution": fact.execution },
    });
    const followed = { span, steps: new Map<string, Span>() };
    executions.set(fact.execution, followed);
    return followed;
  };

  const finish = (execution: string, at: number): void => {
    const followed = executions.get(execution);
    executions.delete(execution);
    for (const span of followed?.steps.values() ?? []) span.end(at);
    followed?.span.end(at);
  };

  return (event) => {
    const fact = event as TimedPlanFact;
    if (!(fact.type in meanings) || typeof fact.execution !== "string") return;
    const { at } = fact;
    // What is told after the end, or of an execution that began before anybody listened, begins none.
    if (!executions.has(fact.execution) && !beginnings.has(fact.type)) return;
    const { span, steps } = follow(fact);
    const meaning = meanings[fact.type];
    if (meaning === "event") span.addEvent(fact.type, detailsOf(fact), at);
    else if (meaning === "end") {
      if (fact.type !== "executionCompleted") span.setStatus({ code: "error", message: outcomeOf(fact) });
      finish(fact.execution, at);
    } else if (meaning !== "execution") {
      stepFact(tracer, span, steps, fact as StepFact);
    }
  };
}

type StepFact = Extract<TimedPlanFact, { readonly step: string; readonly attempt: number }> | StepCancelledAt;
type StepCancelledAt = Extract<TimedPlanFact, { readonly type: "stepCancelled" }>;

const beginnings: ReadonlySet<string> = new Set(["executionStarted", "takenOver", "stepStarted", "undoStarted"]);

/** What is made of each kind of fact. */
const meanings: Readonly<Record<PlanFact["type"], "execution" | "event" | "step" | "end">> = {
  executionStarted: "execution",
  takenOver: "event",
  stepStarted: "step",
  stepCompleted: "step",
  stepFailed: "step",
  stepTimedOut: "step",
  stepCancelled: "step",
  approvalWanted: "event",
  approvalGiven: "event",
  executionStopping: "event",
  cancelIgnored: "event",
  rollbackStarted: "event",
  undoStarted: "step",
  undoCompleted: "step",
  undoFailed: "step",
  rollbackCompleted: "event",
  rollbackFailed: "event",
  executionCompleted: "end",
  executionFailed: "end",
  executionCancelled: "end",
};

function stepFact(
  tracer: Pick<Tracer, "startSpan">,
  parent: Span,
  steps: FollowedExecution["steps"],
  fact: StepFact,
): void {
  const { type, step, at } = fact;
  const isUndo = type.startsWith("undo");
  const key = `${isUndo ? "undo" : "step"} ${step}`;
  const span = steps.get(key);
  if (type === "stepStarted" || type === "undoStarted") {
    // One whose end nobody has told: its orchestrator was interrupted.
    span?.addEvent("interrupted", {}, at);
    span?.end(at);
    const attributes = { "holdfast.step": step, "holdfast.attempt": fact.attempt };
    steps.set(key, tracer.startSpan(key, { parent, startedAt: at, attributes }));
    return;
  }
  if (type === "stepTimedOut") {
    span?.addEvent("timed out", {}, at);
    return;
  }
  if (type === "stepFailed" || type === "undoFailed") {
    const { kind, code, message } = fact.error;
    span?.setAttribute("error.type", code ?? kind);
    span?.setStatus({ code: "error", message });
  } else if (type === "stepCancelled") span?.addEvent("cancelled", {}, at);
  span?.end(at);
  steps.delete(key);
}

function detailsOf(fact: TimedPlanFact): Record<string, string | readonly string[]> {
  return {
    ...("step" in fact ? { "holdfast.step": fact.step } : {}),
    ...("by" in fact ? { "holdfast.by": fact.by } : {}),
    ...("steps" in fact ? { "holdfast.steps": fact.steps } : {}),
  };
}

function outcomeOf(fact: TimedPlanFact): string {
  if (fact.type === "executionCancelled") return `cancelled by ${fact.by}`;
  return fact.type === "executionFailed" ? fact.cause.type : "";
}
