/** Of which execution of which plan. */
interface PlanFactOf {
  readonly execution: string;
  readonly plan: string;
}

interface PlanStepOf extends PlanFactOf {
  readonly step: string;
}

interface PlanTryOf extends PlanStepOf {
  /** The how-manieth try of the step. */
  readonly attempt: number;
}

/** A plan's execution has begun. */
export interface ExecutionStarted extends PlanFactOf {
  readonly type: "executionStarted";
}

/** It goes on at another orchestrator, or after its own had lost its session. */
export interface TakenOver extends PlanFactOf {
  readonly type: "takenOver";
  readonly by: string;
}

/** A step begins. */
export interface StepStarted extends PlanTryOf {
  readonly type: "stepStarted";
}

/** A step is done. */
export interface StepCompleted extends PlanTryOf {
  readonly type: "stepCompleted";
}

/** A try of a step has failed. */
export interface StepFailed extends PlanTryOf {
  readonly type: "stepFailed";
  readonly error: { readonly kind: string; readonly code?: string; readonly message: string };
}

/** A step took too long, and was told to end. */
export interface StepTimedOut extends PlanTryOf {
  readonly type: "stepTimedOut";
}

/** A step was told to end, because the execution does. */
export interface StepCancelled extends PlanStepOf {
  readonly type: "stepCancelled";
}

/** A step waits for a person. */
export interface ApprovalWanted extends PlanStepOf {
  readonly type: "approvalWanted";
}

/** Somebody has decided. */
export interface ApprovalGiven extends PlanStepOf {
  readonly type: "approvalGiven";
  readonly approved: boolean;
  readonly by: string;
}

/** No more steps begin. */
export interface ExecutionStopping extends PlanFactOf {
  readonly type: "executionStopping";
  readonly cause: { readonly type: string };
}

/** Somebody wanted to cancel what was over, or was being undone. */
export interface CancelIgnored extends PlanFactOf {
  readonly type: "cancelIgnored";
  readonly by: string;
}

/** What was done is being undone. */
export interface RollbackStarted extends PlanFactOf {
  readonly type: "rollbackStarted";
  /** In the order in which they will be undone. */
  readonly steps: readonly string[];
}

/** The undoing of a step begins. */
export interface UndoStarted extends PlanTryOf {
  readonly type: "undoStarted";
}

/** A step is undone. */
export interface UndoCompleted extends PlanTryOf {
  readonly type: "undoCompleted";
}

/** A try to undo a step has failed. */
export interface UndoFailed extends PlanTryOf {
  readonly type: "undoFailed";
  readonly error: { readonly kind: string; readonly code?: string; readonly message: string };
}

/** Everything is undone. */
export interface RollbackCompleted extends PlanFactOf {
  readonly type: "rollbackCompleted";
}

/** Some steps could not be undone. */
export interface RollbackFailed extends PlanFactOf {
  readonly type: "rollbackFailed";
  readonly steps: readonly string[];
}

/** A plan's execution is over, and all is done. */
export interface ExecutionCompleted extends PlanFactOf {
  readonly type: "executionCompleted";
}

/** A plan's execution is over, and has failed. */
export interface ExecutionFailed extends PlanFactOf {
  readonly type: "executionFailed";
  readonly cause: { readonly type: string };
}

/** A plan's execution is over, because somebody wanted it. */
export interface ExecutionCancelled extends PlanFactOf {
  readonly type: "executionCancelled";
  readonly by: string;
}

/** What executions of recovery plans did. */
export type PlanFact =
  | ExecutionStarted
  | TakenOver
  | StepStarted
  | StepCompleted
  | StepFailed
  | StepTimedOut
  | StepCancelled
  | ApprovalWanted
  | ApprovalGiven
  | ExecutionStopping
  | CancelIgnored
  | RollbackStarted
  | UndoStarted
  | UndoCompleted
  | UndoFailed
  | RollbackCompleted
  | RollbackFailed
  | ExecutionCompleted
  | ExecutionFailed
  | ExecutionCancelled;
