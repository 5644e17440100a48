import type { RecoverySettings } from "./recovery-options.ts";
import type { RecoveryTask } from "./recovery-task.ts";

/** A person is wanted: nothing is tried by itself any more. */
export interface PersonWanted {
  readonly since: number;
  readonly because: string;
  /** A strategy does not end; when it does, nobody is wanted any more. */
  readonly isStuck: boolean;
}

/** The strategy that is at a target; also one whose task is closed already, until it has ended. */
export interface TargetAttempt {
  readonly task: string;
  readonly attempt: number;
}

/** All that is known of one target: the unit that is recorded. Replaced, never changed in place. */
export interface TargetState {
  readonly target: string;
  /** Not closed, at most one a type of failure. */
  readonly tasks: readonly RecoveryTask[];
  readonly running: TargetAttempt | null;
  /** When attempts began, of the last `attemptWindowMs`, since a person was here. */
  readonly starts: readonly number[];
  /** When the last of its failures was over. */
  readonly wellSince: number | null;
  readonly person: PersonWanted | null;
}

/** What automatic recovery knows; changed by `step` alone. */
export interface RecoveryState {
  readonly targets: Map<string, TargetState>;
  /** By id, the oldest first. */
  readonly closed: Map<string, RecoveryTask>;
  at: number;
  tasksMade: number;
}

export function newRecoveryState(
  targets: readonly TargetState[] = [],
  closed: readonly RecoveryTask[] = [],
): RecoveryState {
  return {
    targets: new Map(targets.map((each) => [each.target, each])),
    closed: new Map(closed.map((each) => [each.id, each])),
    at: 0,
    tasksMade: 0,
  };
}

export function newTarget(target: string): TargetState {
  return { target, tasks: [], running: null, starts: [], wellSince: null, person: null };
}

export function* openTasks(state: RecoveryState): Generator<RecoveryTask, void, undefined> {
  for (const { tasks } of state.targets.values()) yield* tasks;
}

/** Whether recovery is at this target: a strategy runs, or has just said that it is done. */
export function isBusy({ running, tasks }: TargetState): boolean {
  return running !== null || tasks.some(({ status }) => status === "verifying");
}

/** When something will be due by itself; Infinity for never. */
export function nextDueAt(state: RecoveryState): number {
  let due = Infinity;
  for (const { tasks, person } of state.targets.values()) {
    for (const { status, dueAt, heldBy, verifyUntil } of tasks) {
      if (status === "verifying" && verifyUntil !== null) due = Math.min(due, verifyUntil);
      // What is due and waits for something else is looked at when that has happened.
      if (status === "waiting" && heldBy === null && person === null && dueAt > state.at) due = Math.min(due, dueAt);
    }
  }
  return due;
}

/**
 * The failing target that explains the failures of this one: of those that it depends on, also by others, one that no
 * other explains in turn.
 */
export function explainedBy(state: RecoveryState, target: string, { needs }: RecoverySettings): string | null {
  const failing = (needs.get(target) ?? []).filter((each) => (state.targets.get(each)?.tasks.length ?? 0) > 0);
  return failing.find((each) => !(needs.get(each) ?? []).some((deeper) => failing.includes(deeper))) ?? null;
}
