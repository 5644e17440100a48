import { HoldfastError, type ErrorKind } from "../../errors/base.ts";

/** What can go wrong in a session, and in what is built on one. */
export type RecipeErrorCode =
  | "SESSION_LOST"
  | "SESSION_CLOSED"
  | "LOCK_LOST"
  | "ACQUIRE_TIMED_OUT"
  | "STALE_TOKEN"
  | "LEADERSHIP_OVER"
  | "CONFIG_CONFLICT"
  | "CONFIG_INVALID"
  | "NOT_A_COUNTER";

const recipeErrors: Readonly<Record<RecipeErrorCode, readonly [ErrorKind, boolean, string]>> = {
  SESSION_LOST: ["consistency", false, "the session's lease has ended, and what it held is gone"],
  SESSION_CLOSED: ["business", false, "the session is closed"],
  LOCK_LOST: ["consistency", false, "the key of the lock is gone: it is held no longer"],
  ACQUIRE_TIMED_OUT: ["timeout", true, "gave up waiting for its turn"],
  STALE_TOKEN: ["consistency", false, "a later holder has already been here"],
  LEADERSHIP_OVER: ["consistency", false, "the leadership has ended"],
  CONFIG_CONFLICT: ["consistency", true, "somebody else has written meanwhile"],
  CONFIG_INVALID: ["business", false, "the value is not valid"],
  NOT_A_COUNTER: ["business", false, "the key holds something that is no whole number, or one too large"],
};

/** A session was lost or closed, a turn did not come, or a token, a revision or a value was refused. */
export class RecipeError extends HoldfastError {
  static override readonly brand: string = "RecipeError";

  declare readonly code: RecipeErrorCode;

  constructor(code: RecipeErrorCode, options: { readonly cause?: unknown; readonly detail?: string } = {}) {
    const [kind, retryable, message] = recipeErrors[code];
    const { detail, cause } = options;
    super(detail === undefined ? message : `${message}: ${detail}`, {
      name: "RecipeError",
      code,
      kind,
      retryable,
      cause,
    });
  }
}
