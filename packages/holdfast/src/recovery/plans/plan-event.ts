import type { StopCause } from "./execution-state.ts";
import type { StepError } from "./step-failure.ts";

/** What was decided, and why; recorded with the transition that it belongs to. */
export type PlanFact =
  | { readonly type: "executionStarted" }
  /** A crashed orchestrator's execution goes on here, or its own after it had lost its session. */
  | { readonly type: "takenOver"; readonly by: string }
  | { readonly type: "stepStarted"; readonly step: string; readonly attempt: number; readonly again?: boolean }
  | { readonly type: "stepCompleted"; readonly step: string; readonly attempt: number; readonly late?: boolean }
  /** `retryInMs`: it is tried again. */
  | {
      readonly type: "stepFailed";
      readonly step: string;
      readonly attempt: number;
      readonly error: StepError;
      readonly retryInMs?: number;
      readonly inDoubt?: boolean;
    }
  /** It took too long and was told to end. */
  | { readonly type: "stepTimedOut"; readonly step: string; readonly attempt: number }
  | { readonly type: "stepCancelled"; readonly step: string; readonly inDoubt?: boolean }
  | { readonly type: "approvalWanted"; readonly step: string }
  | {
      readonly type: "approvalGiven";
      readonly step: string;
      readonly approved: boolean;
      readonly by: string;
      readonly comment?: string;
    }
  /** No more steps begin; those under way are told to end. */
  | { readonly type: "executionStopping"; readonly cause: StopCause }
  | { readonly type: "cancelIgnored"; readonly by: string }
  /** `steps` in the order in which they will be undone. */
  | { readonly type: "rollbackStarted"; readonly steps: readonly string[] }
  | { readonly type: "undoStarted"; readonly step: string; readonly attempt: number; readonly again?: boolean }
  | { readonly type: "undoCompleted"; readonly step: string; readonly attempt: number }
  | {
      readonly type: "undoFailed";
      readonly step: string;
      readonly attempt: number;
      readonly error: StepError;
      readonly retryInMs?: number;
    }
  | { readonly type: "rollbackCompleted" }
  /** `steps` could not be undone. */
  | { readonly type: "rollbackFailed"; readonly steps: readonly string[] }
  | { readonly type: "executionCompleted" }
  | { readonly type: "executionFailed"; readonly cause: StopCause }
  | { readonly type: "executionCancelled"; readonly by: string };

/** A fact in the history: `at` is milliseconds since 1970. */
export type PlanHistoryEntry = PlanFact & { readonly at: number };

export type PlanEvent = PlanHistoryEntry & { readonly execution: string; readonly plan: string };
