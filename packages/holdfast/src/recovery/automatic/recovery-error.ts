import { HoldfastError, type ErrorKind } from "../../errors/base.ts";

/** Why a strategy's signal fires, and what keeps automatic recovery from its work. */
export type RecoveryErrorCode =
  | "ATTEMPT_TIMED_OUT"
  | "ATTEMPT_NOT_NEEDED"
  | "RECOVERY_HANDED_OVER"
  | "RECOVERY_CLOSED"
  | "RECOVERY_RECORD_INVALID"
  | "PLAN_NOT_COMPLETED";

const recoveryErrors: Readonly<Record<RecoveryErrorCode, readonly [ErrorKind, boolean, string]>> = {
  ATTEMPT_TIMED_OUT: ["timeout", true, "the recovery took too long"],
  ATTEMPT_NOT_NEEDED: ["business", false, "the target is well"],
  RECOVERY_HANDED_OVER: ["consistency", false, "another process recovers, or may"],
  RECOVERY_CLOSED: ["business", false, "automatic recovery is closed"],
  RECOVERY_RECORD_INVALID: ["consistency", false, "what is recorded of a recovery cannot be read"],
  PLAN_NOT_COMPLETED: ["system", true, "the recovery plan did not complete"],
};

/** An automatic recovery was told to end, or cannot go on. */
export class RecoveryError extends HoldfastError {
  static override readonly brand: string = "RecoveryError";

  declare readonly code: RecoveryErrorCode;

  constructor(code: RecoveryErrorCode, { detail, cause }: { readonly detail?: string; readonly cause?: unknown } = {}) {
    const [kind, retryable, message] = recoveryErrors[code];
    super(detail === undefined ? message : `${message}: ${detail}`, {
      name: "RecoveryError",
      code,
      kind,
      retryable,
      cause,
    });
  }
}
