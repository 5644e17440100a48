import type { Random } from "../../runtime/index.ts";

/** A call as an object sees it. */
export interface Call {
  readonly f: string;
  readonly input: unknown;
  /** Given where one object has several keys. */
  readonly key?: string;
  /** Who calls: what the input names, or the process. */
  readonly caller: string;
}

/** What a call may lead to. */
export type Outcome<State> = readonly [after: State, output: unknown];

/** What a client knows when it decides on a call. */
export interface Draw {
  readonly random: Random;
  readonly caller: string;
  /** A number that nobody drew before. */
  fresh: () => number;
}

/**
 * What an object does, written down as plainly as can be, as the truth that models are held against: states are plain
 * data, and nothing is shared with the models.
 */
export interface ReferenceObject<State> {
  readonly initial: State;
  /** `separate`: each key is an object of its own. `shared`: one object has several keys. Default: there are no keys. */
  readonly keys?: "separate" | "shared";
  /** Lists that it gives are in no order. */
  readonly isUnordered?: boolean;
  /**
   * All that a call may do; nothing when it is impossible. Where there is no end to it, some of it, and what was
   * recorded if that is among it.
   */
  outcomes(state: State, call: Call, recorded?: unknown): readonly Outcome<State>[];
  /** A call that makes sense in this state. */
  draw(state: State, draw: Draw): Pick<Call, "f" | "input">;
}

/** An object of whatever states. */
export type AnyReference = ReferenceObject<unknown>;
