import type { JsonValue } from "../plans/plan.ts";
import type { Evidence, Failure, FailureCause, FailurePriority } from "./failure.ts";

export type RecoveryDecision =
  | "accepted"
  | "repeated"
  | "raised"
  | "delayed"
  | "held"
  | "released"
  | "waits"
  | "started"
  | "startedAgain"
  | "succeeded"
  | "failed"
  | "recoveredMeanwhile"
  | "toldToEnd"
  | "stuck"
  | "abandoned"
  | "personWanted"
  | "acknowledged"
  | "recovered"
  | "dropped";

/** What was decided about a task, why, and on what evidence. */
export interface RecoveryEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly task: string;
  readonly target: string;
  readonly decision: RecoveryDecision;
  readonly because: string;
  readonly evidence: JsonValue;
}

/** `notVerified`: the strategy said that it was done, and the target was still failing. */
export type AttemptOutcome =
  | "running"
  | "succeeded"
  | "failed"
  | "timedOut"
  | "notVerified"
  | "interrupted"
  | "abandoned";

export interface RecoveryAttempt {
  /** 1 for the first of a task. */
  readonly number: number;
  readonly strategy: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: AttemptOutcome;
  readonly error: FailureCause | null;
  /** How often its process was lost meanwhile. */
  readonly interruptions: number;
}

/** A failure of one type of one target, and what is done about it. Replaced, never changed in place. */
export interface RecoveryTask {
  readonly id: string;
  readonly target: string;
  readonly type: string;
  readonly priority: FailurePriority;
  readonly status: "waiting" | "running" | "verifying" | "closed";
  readonly reportedAt: number;
  readonly lastReportedAt: number;
  readonly reports: number;
  /** The latest. */
  readonly evidence: Evidence;
  /** The first that was given. */
  readonly cause: FailureCause | null;
  /** Not tried before that. */
  readonly dueAt: number;
  /** The target whose failure explains this one; null for none. */
  readonly heldBy: string | null;
  /** Why it was last seen to wait although it is due. */
  readonly waits: string | null;
  /** The latest 20. */
  readonly attempts: readonly RecoveryAttempt[];
  readonly attemptCount: number;
  /** Until when a success is on trial. */
  readonly verifyUntil: number | null;
  /** The target was told to be well while the strategy was at it. */
  readonly isWellAgain: boolean;
  /** The first 20 entries, and the latest 80. */
  readonly record: readonly RecoveryEntry[];
  readonly omittedEntries: number;
  readonly outcome: "recovered" | "dropped" | null;
  readonly closedAt: number | null;
}

const maxAttemptsKept = 20;
const firstEntries = 20;
const maxEntries = 100;

export function newTask(id: string, failure: Failure, at: number, dueAt: number): RecoveryTask {
  return {
    id,
    ...failure,
    status: "waiting",
    reportedAt: at,
    lastReportedAt: at,
    reports: 1,
    dueAt,
    heldBy: null,
    waits: null,
    attempts: [],
    attemptCount: 0,
    verifyUntil: null,
    isWellAgain: false,
    record: [],
    omittedEntries: 0,
    outcome: null,
    closedAt: null,
  };
}

export function withEntry(task: RecoveryTask, entry: RecoveryEntry): RecoveryTask {
  const record = [...task.record, entry];
  if (record.length <= maxEntries) return { ...task, record };
  record.splice(firstEntries, 1);
  return { ...task, record, omittedEntries: task.omittedEntries + 1 };
}

export function withAttempt(task: RecoveryTask, attempt: RecoveryAttempt): RecoveryTask {
  const attempts = [...task.attempts, attempt].slice(-maxAttemptsKept);
  return { ...task, attempts, attemptCount: task.attemptCount + 1 };
}

/** The task with its latest attempt changed. */
export function withLastAttempt(task: RecoveryTask, changes: Partial<RecoveryAttempt>): RecoveryTask {
  const last = task.attempts.at(-1);
  if (last === undefined) return task;
  return { ...task, attempts: [...task.attempts.slice(0, -1), { ...last, ...changes }] };
}
