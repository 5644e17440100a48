import type { ErrorShape } from "./error-shape.ts";
import type { Effect, FailureErrorCode, FailureMeaning } from "./failure-codes.ts";
import type { ErrorKind } from "./holdfast-error.ts";

/** What a row means: a code, a code with another effect than usual, or a meaning of the program's own. */
export type Rule = FailureErrorCode | readonly [code: FailureErrorCode, effect: Effect] | OwnRule;

export interface OwnRule {
  readonly code: string;
  readonly kind: ErrorKind;
  /** Default: true for network, timeout and resource. */
  readonly transient?: boolean;
  /** Default `unknown`. */
  readonly effect?: Effect;
}

/** Knows the errors of one system, by a table. */
export interface Classifier {
  /** `postgresql`; stands before the key in a failure's `rule`. */
  readonly system: string;
  /** What each key means. */
  readonly rules: Readonly<Record<string, Rule>>;
  /** The keys to look up, the most specific first; none when the error is not this system's. Must not throw. */
  keys(error: ErrorShape): readonly string[];
  /** Applies only when nothing else knows the error or anything inside it. Default false. */
  readonly lastResort?: boolean;
}

/** What was found out about an error. */
export interface Verdict {
  readonly code: string;
  readonly meaning: FailureMeaning;
  readonly system: string;
  readonly rule: string | undefined;
  /** The error inside that was known; the thrown one itself, or a cause of it. */
  readonly shape: ErrorShape;
}
