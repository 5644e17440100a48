import type { Operation } from "./history.ts";

/** What one object does when operations reach it one after the other. A history of several keys has one for each. */
export interface Model {
  readonly name: string;
  /** Starts the check of one object. */
  start(): ModelRun;
}

/** States are integers >= 0; two states are equal if and only if their numbers are. */
export interface ModelRun {
  readonly initial: number;
  /** What this operation, with the result it had, does. @throws HistoryError for what the model does not know */
  transition(operation: Operation): Transition;
  /** A state, for people. */
  describe(state: number): string;
}

/** One operation as a partial function on states. */
export interface Transition {
  /** The state after it; -1 when in this state it cannot have had its result. An unknown result is never impossible. */
  apply(state: number): number;
  /** Whether it never changes the state. */
  readonly readOnly: boolean;
}

/** What `Transition.apply` answers when the operation cannot have had its result. */
export const impossible: number = -1;
