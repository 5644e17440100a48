import { HoldfastError } from "../../errors/index.ts";

/** A request that was let in was answered with a failure. Policies see it; the answer has gone out untouched. */
export class ResponseFailedError extends HoldfastError {
  static override readonly brand: string = "ResponseFailedError";

  /** Undefined when the answer broke off. */
  readonly status: number | undefined;

  constructor(status: number | undefined, cause?: unknown) {
    super(status === undefined ? "the answer broke off" : `the request was answered with ${status}`, {
      name: "ResponseFailedError",
      code: "RESPONSE_FAILED",
      // Of statuses, these two say that there is too much to do, which limiters that adapt must know.
      kind: status === 503 ? "resource" : status === 504 ? "timeout" : "system",
      cause,
    });
    this.status = status;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), ...(this.status === undefined ? {} : { status: this.status }) };
  }
}

/** A policy answered in place of the request's handler, which no value of a policy can do. */
export class RequestReplacedError extends HoldfastError {
  static override readonly brand: string = "RequestReplacedError";

  constructor() {
    super("the policy answered without letting the request in", {
      name: "RequestReplacedError",
      code: "REQUEST_REPLACED",
      kind: "resource",
      retryable: true,
    });
  }
}
