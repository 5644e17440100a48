import type { Evidence, FailureCause } from "./failure.ts";
import type { RecoveryEffect, RecoveryInput, RecoveryTransition } from "./recovery-input.ts";
import type { RecoverySettings } from "./recovery-options.ts";
import { explainedBy, newTarget, type RecoveryState, type TargetState } from "./recovery-state.ts";
import { withEntry, withLastAttempt, type RecoveryDecision, type RecoveryTask } from "./recovery-task.ts";

/** One transition in the making: what is changed, and what is to be done about it. */
export class RecoveryDraft {
  readonly state: RecoveryState;
  readonly settings: RecoverySettings;
  readonly at: number;
  readonly effects: RecoveryEffect[] = [];
  readonly #changed = new Set<string>();
  readonly #closed = new Map<string, RecoveryTask>();
  readonly #forgotten: string[] = [];
  #draw: number;

  constructor(state: RecoveryState, settings: RecoverySettings, { at, draw }: Pick<RecoveryInput, "at" | "draw">) {
    this.state = state;
    this.settings = settings;
    // Time never goes back, whatever a machine believes.
    this.at = state.at = Math.max(state.at, at);
    this.#draw = draw;
  }

  get transition(): RecoveryTransition {
    const closed = [...this.#closed.values()];
    return { effects: this.effects, changed: this.#changed, closed, forgotten: this.#forgotten };
  }

  target(name: string): TargetState {
    return this.state.targets.get(name) ?? newTarget(name);
  }

  changeTarget(name: string, changes: Partial<TargetState>): void {
    this.state.targets.set(name, { ...this.target(name), ...changes });
    this.#changed.add(name);
  }

  forgetTarget(name: string): void {
    this.state.targets.delete(name);
    this.#changed.add(name);
  }

  /** The task as it is by now; undefined when it is closed. */
  task(target: string, id: string): RecoveryTask | undefined {
    return this.state.targets.get(target)?.tasks.find((each) => each.id === id);
  }

  /** Puts a task in the place of what it was before. */
  put(task: RecoveryTask): void {
    const { tasks } = this.target(task.target);
    const at = tasks.findIndex(({ id }) => id === task.id);
    this.changeTarget(task.target, { tasks: at < 0 ? [...tasks, task] : tasks.with(at, task) });
  }

  /** Puts a task with what was decided about it. */
  decide(
    task: RecoveryTask,
    decision: RecoveryDecision,
    because: string,
    evidence: Evidence | FailureCause | null = null,
  ): RecoveryTask {
    const entry = {
      at: this.at,
      task: task.id,
      target: task.target,
      decision,
      because,
      evidence: evidence as Evidence,
    };
    const decided = withEntry(task, entry);
    this.put(decided);
    this.effects.push({ type: "decided", entry, task: decided });
    return decided;
  }

  close(task: RecoveryTask, outcome: "recovered" | "dropped", because: string): void {
    const changes = { status: "closed", outcome, closedAt: this.at, heldBy: null, waits: null } as const;
    const closed = this.decide({ ...task, ...changes }, outcome, because);
    const tasks = this.target(task.target).tasks.filter(({ id }) => id !== task.id);
    const isWell = tasks.length === 0 && outcome === "recovered";
    this.changeTarget(task.target, { tasks, ...(isWell && { person: null, wellSince: this.at }) });
    this.state.closed.set(closed.id, closed);
    this.#closed.set(closed.id, closed);
    for (const oldest of this.state.closed.keys()) {
      if (this.state.closed.size <= this.settings.maxClosed) break;
      this.state.closed.delete(oldest);
      if (!this.#closed.delete(oldest)) this.#forgotten.push(oldest);
    }
  }

  /** The attempt under way has not helped: another one later, or a person. */
  fail(
    task: RecoveryTask,
    outcome: "failed" | "timedOut" | "notVerified" | "interrupted" | "abandoned",
    because: string,
    error: FailureCause | null = null,
  ): void {
    const { maxBackoffMs, backoffMs } = this.settings;
    const wholeMs = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(task.attemptCount - 1, 40));
    const waitMs = outcome === "abandoned" ? 0 : wholeMs * (0.5 + this.#nextDraw() / 2);
    const dueAt = Math.ceil(this.at + waitMs);
    const failed = withLastAttempt(task, { outcome, endedAt: this.at, error });
    const waiting: RecoveryTask = { ...failed, status: "waiting", verifyUntil: null, dueAt, isWellAgain: false };
    const isLast = this.startsLeft(task.target) === 0;
    const then = isLast ? "no attempt is left" : `the next one not before ${dueAt - this.at} ms have passed`;
    this.decide(waiting, outcome === "abandoned" ? "abandoned" : "failed", `${because}; ${then}`, error);
    const isSymptom = explainedBy(this.state, task.target, this.settings) !== null;
    if (isLast && !isSymptom && outcome !== "abandoned") this.callPerson(task.target, this.#exhausted());
  }

  /** Attempts that may still begin at a target. */
  startsLeft(target: string): number {
    const since = this.at - this.settings.attemptWindowMs;
    const recent = this.target(target).starts.filter((start) => start > since);
    return Math.max(0, this.settings.maxAttempts - recent.length);
  }

  callPerson(target: string, because: string = this.#exhausted(), isStuck: boolean = false): void {
    const wanted = { since: this.at, because, isStuck };
    this.changeTarget(target, { person: wanted });
    for (const task of this.target(target).tasks) this.decide(task, "personWanted", because);
    this.effects.push({ type: "callPerson", call: { target, wanted, tasks: this.target(target).tasks } });
  }

  #exhausted(): string {
    const { maxAttempts, attemptWindowMs } = this.settings;
    return `${maxAttempts} attempts within ${attemptWindowMs} ms have not kept it well`;
  }

  /** Another number each time, all of one draw, so that an input needs no more than that. */
  #nextDraw(): number {
    const draw = this.#draw;
    this.#draw = (draw + 0.618_033_988_749_895) % 1;
    return draw;
  }
}
