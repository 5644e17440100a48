import type { JsonValue } from "./plan.ts";
import type { StepError } from "./step-failure.ts";

export const executionStatuses = ["pending", "running", "rollingBack", "completed", "failed", "cancelled"] as const;

/** `completed`, `failed` and `cancelled` are final. */
export type ExecutionStatus = (typeof executionStatuses)[number];

/**
 * `waiting` is for an approval; `retrying` until its next try. `skipped` was never begun, `cancelled` was begun and
 * stopped. Times are milliseconds since 1970 as the orchestrator's machine believes.
 */
export type StepStatus =
  | "pending"
  | "running"
  | "retrying"
  | "waiting"
  | "completed"
  | "failed"
  | "cancelled"
  | "skipped";

/** A step, or the undoing of one, as it is recorded. */
export interface StepState {
  readonly status: StepStatus;
  /** Tries begun. One that a crash has interrupted counts once. */
  readonly attempts: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Of the last try that failed. */
  readonly error?: StepError;
  /** Of the try under way. */
  readonly timeoutAt?: number;
  readonly retryAt?: number;
  /** The try under way was told to end: because it took too long, or because the execution is stopped. */
  readonly told?: "timeout" | "stop";
  /** When a try that was told to end is given up. */
  readonly graceUntil?: number;
  /** How often a crash has interrupted it. */
  readonly interruptions?: number;
  /** Whether it has had its effect is not known: it was given up, or interrupted, before it had ended. */
  readonly inDoubt?: boolean;
  /** Its output was too large, or nothing that JSON can say, and is not there for others. */
  readonly outputOmitted?: boolean;
  /** Who has approved, or refused. */
  readonly approval?: { readonly approved: boolean; readonly by: string; readonly comment?: string };
}

/** Why an execution is stopped and rolled back. */
export type StopCause =
  | { readonly type: "stepFailed"; readonly step: string; readonly error: StepError }
  | { readonly type: "timedOut" }
  | { readonly type: "cancelled"; readonly by: string; readonly reason?: string };

/** One execution of a plan, as it is recorded after every transition; outputs and history are recorded beside it. */
export interface ExecutionState {
  readonly id: string;
  readonly planId: string;
  /** Transitions recorded. */
  readonly sequence: number;
  readonly status: ExecutionStatus;
  readonly parameters: { readonly [name: string]: JsonValue };
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly timeoutAt?: number;
  /** The first one: set when no more steps begin. */
  readonly cause?: StopCause;
  readonly steps: { readonly [id: string]: StepState };
  /** In the order in which they completed. */
  readonly completed: readonly string[];
  /** How the undoing of each goes, by the step that is undone. */
  readonly rollback: { readonly [id: string]: StepState };
}

export function isOver(status: ExecutionStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** An execution that has not begun. */
export function newExecution(
  id: string,
  planId: string,
  steps: Iterable<string>,
  parameters: ExecutionState["parameters"],
  createdAt: number,
): ExecutionState {
  return {
    id,
    planId,
    sequence: 0,
    status: "pending",
    parameters,
    createdAt,
    steps: Object.fromEntries(Array.from(steps, (step) => [step, { status: "pending", attempts: 0 }])),
    completed: [],
    rollback: {},
  };
}
