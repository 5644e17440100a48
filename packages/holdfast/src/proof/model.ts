import type { Operation } from "./history.ts";

/** What one object does when operations reach it one after the other. A history of several keys has one for each. */
export interface Model {
  readonly name: string;
  /** All keys are one object, because an operation touches several or what it gives depends on others. Default false. */
  readonly spansKeys?: boolean;
  /** Starts the check of one object. */
  start(): ModelRun;
  /**
   * The same, but its transitions, which have all been asked for before the first is applied, may also refuse what
   * leads nowhere. It decides; where there is a violation, the plain one explains it.
   */
  startForeseeing?(): ModelRun;
  /**
   * Parts of a history, in its order, that have to be possible by themselves if the whole is. Each is checked first: one
   * that is not decides at once, and explains in few words.
   */
  parts?(operations: readonly Operation[]): Iterable<readonly Operation[]>;
}

/** States are integers >= 0; two states are equal if and only if their numbers are. */
export interface ModelRun {
  readonly initial: number;
  /** What this operation, with the result it had, does. @throws HistoryError for what the model does not know */
  transition(operation: Operation): Transition;
  /** A state, for people. */
  describe(state: number): string;
  /** What the states it has numbered take; counts towards `maxBytes`. Absent when they take no more than the history. */
  readonly bytes?: number;
}

/** One operation as a partial function on states. */
export interface Transition {
  /** The state after it; -1 when in this state it cannot have had its result. An unknown result is never impossible. */
  apply(state: number): number;
  /** Whether it never changes the state. */
  readonly readOnly: boolean;
  /**
   * Of operations of unknown outcome: those of equal effect do the same in every state, so that any of them may stand
   * for another. Absent for one like no other. Asked once all operations have their transitions.
   */
  readonly effect?: unknown;
}

/** What `Transition.apply` answers when the operation cannot have had its result. */
export const impossible: number = -1;
