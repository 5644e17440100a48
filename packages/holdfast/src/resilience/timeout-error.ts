import { ResilienceError } from "./resilience-error.ts";

/** The operation took longer than it was given. Whether it had an effect is unknown. */
export class TimeoutError extends ResilienceError {
  static override readonly brand: string = "TimeoutError";

  /** What it was given, milliseconds. */
  readonly timeoutMs: number;

  /** `cause` is what the operation threw when it was stopped, where that was waited for. */
  constructor(policy: string, timeoutMs: number, cause?: unknown) {
    const who = policy === "" ? "the operation" : policy;
    super(`${who} timed out after ${timeoutMs} ms`, {
      name: "TimeoutError",
      code: "OPERATION_TIMED_OUT",
      kind: "timeout",
      retryable: true,
      cause,
    });
    this.timeoutMs = timeoutMs;
  }
}
