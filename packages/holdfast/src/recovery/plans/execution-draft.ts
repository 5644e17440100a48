import { exponentialBackoff } from "../../resilience/index.ts";
import type { CompiledPlan, CompiledRetry } from "./compile-plan.ts";
import { actionOf, type Side } from "./execution-side.ts";
import type { ExecutionState, ExecutionStatus, StepState, StopCause } from "./execution-state.ts";
import type { PlanFact, PlanHistoryEntry } from "./plan-event.ts";
import { approvalType } from "./plan.ts";
import type { StepError } from "./step-failure.ts";

export interface ExecutionLimits {
  /** How long a try that was told to end may take for that, milliseconds. */
  readonly graceMs: number;
  /** How often a crash may interrupt a step until it has failed. */
  readonly maxInterruptions: number;
}

/** What is to be done, once the transition is recorded. */
export type ExecutionEffect =
  | { readonly type: "run"; readonly side: Side; readonly step: string; readonly attempt: number }
  | { readonly type: "abort"; readonly side: Side; readonly step: string; readonly reason: "timeout" | "stop" };

export interface Transition {
  readonly state: ExecutionState;
  readonly facts: readonly PlanHistoryEntry[];
  readonly effects: readonly ExecutionEffect[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The state that a transition ends in, while it is made. */
export class ExecutionDraft {
  readonly plan: CompiledPlan;
  readonly at: number;
  readonly limits: ExecutionLimits;
  readonly #before: ExecutionState;
  readonly #state: Mutable<ExecutionState>;
  readonly #facts: PlanHistoryEntry[] = [];
  readonly #effects: ExecutionEffect[] = [];
  #changed = false;

  constructor(plan: CompiledPlan, state: ExecutionState, at: number, limits: ExecutionLimits) {
    this.plan = plan;
    this.at = at;
    this.limits = limits;
    this.#before = state;
    this.#state = { ...state };
  }

  get status(): ExecutionStatus {
    return this.#state.status;
  }

  /** No more steps begin. */
  get isStopping(): boolean {
    return this.#state.cause !== undefined;
  }

  /** The time of the whole plan is over. */
  get isLate(): boolean {
    const { status, timeoutAt = Infinity } = this.#state;
    return status === "running" && !this.isStopping && this.at >= timeoutAt;
  }

  stateOf(side: Side, id: string): StepState | undefined {
    const steps = side === "forward" ? this.#state.steps : this.#state.rollback;
    return Object.hasOwn(steps, id) ? steps[id] : undefined;
  }

  entries(side: Side): [string, StepState][] {
    return Object.entries(side === "forward" ? this.#state.steps : this.#state.rollback);
  }

  set(side: Side, id: string, step: StepState): void {
    this.#changed = true;
    if (side === "forward") this.#state.steps = { ...this.#state.steps, [id]: step };
    else this.#state.rollback = { ...this.#state.rollback, [id]: step };
  }

  note(fact: PlanFact): void {
    this.#facts.push({ ...fact, at: this.at });
  }

  begin(): void {
    this.#state.status = "running";
    this.#state.startedAt = this.at;
    this.#state.timeoutAt = this.at + this.plan.timeoutMs;
    this.#changed = true;
    this.note({ type: "executionStarted" });
  }

  run(side: Side, id: string): void {
    const { retryAt: _, ...step } = this.stateOf(side, id)!;
    const attempt = step.attempts + 1;
    this.#started(side, id, { ...step, status: "running", attempts: attempt, startedAt: step.startedAt ?? this.at });
    this.note({ type: side === "forward" ? "stepStarted" : "undoStarted", step: id, attempt });
  }

  /** The same try, which a crash has interrupted: whether it has had its effect is not known until it completes. */
  runAgain(side: Side, id: string): void {
    const step = { ...this.stateOf(side, id)!, inDoubt: true };
    this.#started(side, id, step);
    const type = side === "forward" ? "stepStarted" : "undoStarted";
    this.note({ type, step: id, attempt: step.attempts, again: true });
  }

  #started(side: Side, id: string, step: StepState): void {
    const timeoutAt = this.at + actionOf(this.plan, side, id).timeoutMs;
    this.set(side, id, { ...step, timeoutAt });
    this.#effects.push({ type: "run", side, step: id, attempt: step.attempts });
  }

  tellTimeout(side: Side, id: string): void {
    const step = this.stateOf(side, id)!;
    this.set(side, id, { ...step, told: "timeout", graceUntil: this.at + this.limits.graceMs });
    this.#effects.push({ type: "abort", side, step: id, reason: "timeout" });
    this.note({ type: "stepTimedOut", step: id, attempt: step.attempts });
  }

  completed(side: Side, id: string, how: { readonly late: boolean; readonly outputOmitted: boolean }): void {
    const { attempts } = this.stateOf(side, id)!;
    this.#over(side, id, "completed", how.outputOmitted ? { outputOmitted: true } : {});
    if (side === "undo") {
      this.note({ type: "undoCompleted", step: id, attempt: attempts });
      return;
    }
    this.#state.completed = [...this.#state.completed, id];
    this.note({ type: "stepCompleted", step: id, attempt: attempts, ...(how.late ? { late: true } : {}) });
  }

  retryLater(
    side: Side,
    id: string,
    error: StepError,
    { retry, draw, inDoubt }: { readonly retry: CompiledRetry; readonly draw: number; readonly inDoubt: boolean },
  ): void {
    const { timeoutAt: _, told: __, graceUntil: ___, ...step } = this.stateOf(side, id)!;
    // From half of it to all of it: those that failed together do not come back together.
    const delayMs = Math.ceil(delayOf(retry, step.attempts) * (0.5 + draw / 2));
    // Remembered until a try completes: the effect of the one that was given up may still come.
    const doubt = inDoubt ? { inDoubt } : {};
    this.set(side, id, { ...step, ...doubt, status: "retrying", error, retryAt: this.at + delayMs });
    const type = side === "forward" ? "stepFailed" : "undoFailed";
    this.note({ type, step: id, attempt: step.attempts, error, retryInMs: delayMs });
  }

  /** For good: the execution is stopped; what undoes other steps goes on. */
  failed(side: Side, id: string, error: StepError, inDoubt: boolean): void {
    const { attempts, inDoubt: before } = this.stateOf(side, id)!;
    const doubt = inDoubt || before === true ? { inDoubt: true } : {};
    this.#over(side, id, "failed", { error, ...doubt });
    this.note({ type: side === "forward" ? "stepFailed" : "undoFailed", step: id, attempt: attempts, error, ...doubt });
    if (side === "forward" && !this.isStopping) this.stop({ type: "stepFailed", step: id, error });
  }

  /** A step under way has ended, or is given up, because the execution is stopped. */
  cancelled(id: string, error: StepError, inDoubt: boolean): void {
    const doubt = inDoubt || this.stateOf("forward", id)!.inDoubt === true ? { inDoubt: true } : {};
    this.#over("forward", id, "cancelled", { error, ...doubt });
    this.note({ type: "stepCancelled", step: id, ...doubt });
  }

  #over(side: Side, id: string, status: StepState["status"], more: Partial<StepState>): void {
    const before = this.stateOf(side, id)!;
    const { timeoutAt: _, retryAt: __, told: ___, graceUntil: ____, error: _____, inDoubt, ...step } = before;
    const doubt = inDoubt === true && status !== "completed" ? { inDoubt } : {};
    this.set(side, id, { ...step, ...doubt, status, endedAt: this.at, ...more });
  }

  /** No more steps begin, and those under way are told to end. */
  stop(cause: StopCause): void {
    this.#state.cause = cause;
    this.#changed = true;
    this.note({ type: "executionStopping", cause });
    for (const [id, step] of this.entries("forward")) {
      if (step.status === "running") {
        this.set("forward", id, { ...step, told: "stop", graceUntil: this.at + this.limits.graceMs });
        this.#effects.push({ type: "abort", side: "forward", step: id, reason: "stop" });
      } else if (step.status === "pending") this.set("forward", id, { ...step, status: "skipped" });
      else if (step.status === "retrying" || step.status === "waiting") {
        this.#over("forward", id, "cancelled", step.error === undefined ? {} : { error: step.error });
        this.note({ type: "stepCancelled", step: id });
      }
    }
  }

  /** Begins all that can begin now. */
  advance(): void {
    if (this.status === "running" && !this.isStopping) this.#startSteps();
    if (this.isStopping && this.status !== "rollingBack" && !this.#runsAny("forward")) this.#rollBack();
    if (this.status === "rollingBack") this.#undoNext();
  }

  #runsAny(side: Side): boolean {
    return this.entries(side).some(([, { status }]) => status === "running");
  }

  #startSteps(): void {
    const { steps } = this.#state;
    let running = 0;
    let left = 0;
    for (const id in steps) {
      if (steps[id]!.status === "running") running++;
      if (steps[id]!.status !== "completed") left++;
    }
    if (left === 0) {
      this.#end("completed");
      this.note({ type: "executionCompleted" });
      return;
    }
    for (const step of this.plan.steps.values()) {
      const { status, retryAt = 0 } = this.#state.steps[step.id]!;
      const isReady =
        status === "retrying"
          ? retryAt <= this.at
          : status === "pending" && step.dependsOn.every((need) => this.#state.steps[need]!.status === "completed");
      if (!isReady) continue;
      if (step.type === approvalType) this.#wait(step.id);
      else if (running < this.plan.concurrency) {
        this.run("forward", step.id);
        running++;
      }
    }
  }

  #wait(id: string): void {
    const { timeoutMs } = actionOf(this.plan, "forward", id);
    const limit = timeoutMs === Infinity ? {} : { timeoutAt: this.at + timeoutMs };
    this.set("forward", id, { ...this.stateOf("forward", id)!, status: "waiting", startedAt: this.at, ...limit });
    this.note({ type: "approvalWanted", step: id });
  }

  #rollBack(): void {
    const undo = this.#state.completed.filter((id) => this.plan.steps.get(id)!.undo !== undefined).reverse();
    if (undo.length === 0) {
      this.#endStopped();
      return;
    }
    this.#state.status = "rollingBack";
    this.#state.rollback = Object.fromEntries(undo.map((id) => [id, { status: "pending", attempts: 0 }]));
    this.#changed = true;
    this.note({ type: "rollbackStarted", steps: undo });
  }

  /** One after the other: each may stand on what the one before it has undone. */
  #undoNext(): void {
    const all = this.entries("undo");
    if (all.some(([, { status }]) => status === "running" || status === "retrying")) return;
    // Not by the order of the object: names of digits come first in it.
    const next = this.#state.completed.findLast((id) => this.stateOf("undo", id)?.status === "pending");
    if (next !== undefined) {
      this.run("undo", next);
      return;
    }
    const failures = all.filter(([, { status }]) => status === "failed").map(([id]) => id);
    this.note(failures.length === 0 ? { type: "rollbackCompleted" } : { type: "rollbackFailed", steps: failures });
    this.#endStopped();
  }

  #endStopped(): void {
    const { cause } = this.#state;
    if (cause === undefined) return;
    if (cause.type === "cancelled") {
      this.#end("cancelled");
      this.note({ type: "executionCancelled", by: cause.by });
    } else {
      this.#end("failed");
      this.note({ type: "executionFailed", cause });
    }
  }

  #end(status: ExecutionStatus): void {
    this.#state.status = status;
    this.#state.endedAt = this.at;
    this.#changed = true;
  }

  finish(): Transition {
    if (!this.#changed && this.#facts.length === 0) return { state: this.#before, facts: [], effects: [] };
    this.#state.sequence++;
    return { state: this.#state, facts: this.#facts, effects: this.#effects };
  }
}

function delayOf({ baseDelayMs, multiplier, maxDelayMs }: CompiledRetry, failures: number): number {
  let schedule = exponentialBackoff({ baseMs: baseDelayMs, factor: multiplier, maxMs: maxDelayMs });
  let delayMs = baseDelayMs;
  for (let attempt = 1; attempt <= failures; attempt++) {
    const step = schedule.next({ attempt, elapsedMs: 0, error: undefined })!;
    delayMs = step.delayMs;
    schedule = step.rest;
  }
  return delayMs;
}
