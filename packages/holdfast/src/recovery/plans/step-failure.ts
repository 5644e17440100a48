import { HoldfastError, ErrorShape, type ErrorKind } from "../../errors/index.ts";
import { isRetryable } from "../../resilience/index.ts";
import type { StepErrorKind } from "./step-executor.ts";

/** Why a step failed, as it is recorded. */
export interface StepError {
  readonly kind: StepErrorKind;
  /** Of an error that has one. */
  readonly code?: string;
  /** At most 500 characters. */
  readonly message: string;
}

const kinds: Readonly<Record<StepErrorKind, ErrorKind>> = {
  database: "system",
  service: "network",
  cache: "system",
  configuration: "business",
  validation: "business",
  timeout: "timeout",
  unknown: "system",
};

/** What an executor throws to say what failed, and whether it may work the next time. */
export class StepFailure extends HoldfastError {
  static override readonly brand: string = "StepFailure";

  readonly stepErrorKind: StepErrorKind;

  /** `retryable`: default false for `configuration` and `validation`, else true. */
  constructor(
    kind: StepErrorKind,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    const { retryable = kind !== "configuration" && kind !== "validation", cause } = options;
    super(message, { name: "StepFailure", code: "STEP_FAILED", kind: kinds[kind], retryable, cause });
    this.stepErrorKind = kind;
  }
}

const maxMessage = 500;

/** What is recorded of whatever an executor has thrown. */
export function stepErrorOf(error: unknown, usual: StepErrorKind): StepError {
  const shape = new ErrorShape(error);
  const code = shape.text("code");
  const { message } = shape;
  return {
    kind: kindOf(error, usual),
    ...(code === undefined ? {} : { code: code.slice(0, 64) }),
    message: message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message,
  };
}

export function mayRetryStep(error: unknown): boolean {
  try {
    return isRetryable(error);
  } catch {
    return false;
  }
}

function kindOf(error: unknown, usual: StepErrorKind): StepErrorKind {
  try {
    if (StepFailure.is(error)) return error.stepErrorKind;
    return HoldfastError.is(error) && error.kind === "timeout" ? "timeout" : usual;
  } catch {
    return usual;
  }
}
