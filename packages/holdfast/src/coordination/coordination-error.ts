import { HoldfastError, type ErrorKind } from "../errors/base.ts";

/** Every way a coordination request can be refused. */
export type CoordinationErrorCode =
  | "EMPTY_KEY"
  | "KEY_NOT_FOUND"
  | "VALUE_PROVIDED"
  | "LEASE_PROVIDED"
  | "LEASE_NOT_FOUND"
  | "DUPLICATE_KEY"
  | "TOO_MANY_OPERATIONS"
  | "REQUEST_TOO_LARGE"
  | "INVALID_SORT_OPTION"
  | "COMPACTED"
  | "FUTURE_REVISION"
  | "SESSION_EXPIRED"
  | "NO_LEADER"
  | "TIMED_OUT"
  | "TOO_MANY_REQUESTS"
  | "STOPPED";

/** Kind, whether the same request may succeed later, and the message. */
export const coordinationErrors: Readonly<Record<CoordinationErrorCode, readonly [ErrorKind, boolean, string]>> = {
  EMPTY_KEY: ["business", false, "key is not provided"],
  KEY_NOT_FOUND: ["business", false, "key not found"],
  VALUE_PROVIDED: ["business", false, "value is provided"],
  LEASE_PROVIDED: ["business", false, "lease is provided"],
  LEASE_NOT_FOUND: ["business", false, "requested lease not found"],
  DUPLICATE_KEY: ["business", false, "duplicate key given in txn request"],
  TOO_MANY_OPERATIONS: ["business", false, "too many operations in txn request"],
  REQUEST_TOO_LARGE: ["business", false, "request is too large"],
  INVALID_SORT_OPTION: ["business", false, "invalid sort option"],
  COMPACTED: ["consistency", false, "required revision has been compacted"],
  FUTURE_REVISION: ["consistency", false, "required revision is a future revision"],
  SESSION_EXPIRED: [
    "consistency",
    false,
    "the session no longer remembers this request; whether it was applied is unknown",
  ],
  NO_LEADER: ["network", true, "no leader"],
  TIMED_OUT: ["timeout", false, "request timed out; whether it was applied is unknown"],
  TOO_MANY_REQUESTS: ["resource", true, "too many requests"],
  STOPPED: ["system", true, "server stopped"],
};

/** A coordination request was refused or its outcome is unknown (`TIMED_OUT`, `SESSION_EXPIRED`). */
export class CoordinationError extends HoldfastError {
  declare readonly code: CoordinationErrorCode;

  constructor(code: CoordinationErrorCode, options: { readonly cause?: unknown } = {}) {
    const [kind, retryable, message] = coordinationErrors[code];
    super(message, { name: "CoordinationError", code, kind, retryable, ...options });
  }
}
