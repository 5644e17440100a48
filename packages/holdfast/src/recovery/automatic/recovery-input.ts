import type { Failure, FailureCause } from "./failure.ts";
import type { PersonWanted } from "./recovery-state.ts";
import type { RecoveryEntry, RecoveryTask } from "./recovery-task.ts";

/** What has happened. */
export type RecoveryEvent =
  | { readonly type: "failed"; readonly failure: Failure }
  /** The target is well, or what is called `failure` is over. */
  | {
      readonly type: "recovered";
      readonly target: string;
      readonly failure: string | null;
      readonly because: string;
    }
  | { readonly type: "acknowledged"; readonly target: string; readonly by: string; readonly comment: string }
  | {
      readonly type: "ended";
      readonly task: string;
      readonly target: string;
      readonly attempt: number;
      readonly outcome: "succeeded" | "failed" | "timedOut";
      readonly error: FailureCause | null;
    }
  /** A strategy was told to end, and does not. */
  | { readonly type: "stuck"; readonly task: string; readonly target: string; readonly attempt: number }
  | {
      readonly type: "verified";
      readonly task: string;
      readonly target: string;
      readonly attempt: number;
      readonly isWell: boolean;
      readonly because: string;
    }
  /** A process goes on with what another one has left. */
  | { readonly type: "resumed"; readonly by: string }
  | { readonly type: "tick" };

/** `at`: milliseconds since 1970; `draw`: a random number in [0, 1). */
export type RecoveryInput = RecoveryEvent & { readonly at: number; readonly draw: number };

/** What is to be done, in this order, after what has changed is recorded. */
export type RecoveryEffect =
  | { readonly type: "decided"; readonly entry: RecoveryEntry; readonly task: RecoveryTask }
  | {
      readonly type: "start";
      readonly task: RecoveryTask;
      readonly attempt: number;
      readonly strategy: string;
    }
  | { readonly type: "end"; readonly task: string }
  | { readonly type: "verify"; readonly task: RecoveryTask; readonly attempt: number; readonly strategy: string }
  | { readonly type: "callPerson"; readonly call: PersonCall };

/** Automatic recovery is at its end with a target. */
export interface PersonCall {
  readonly target: string;
  readonly wanted: PersonWanted;
  /** What fails there, each with the whole record of what was decided, and why. */
  readonly tasks: readonly RecoveryTask[];
}

export interface RecoveryTransition {
  readonly effects: readonly RecoveryEffect[];
  /** Targets whose state has changed, or is gone. */
  readonly changed: ReadonlySet<string>;
  /** Tasks that were closed, and still are kept. */
  readonly closed: readonly RecoveryTask[];
  /** Closed tasks that are kept no longer. */
  readonly forgotten: readonly string[];
}
