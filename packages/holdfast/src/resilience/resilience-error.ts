import { HoldfastError, type HoldfastErrorOptions } from "../errors/index.ts";

/**
 * A policy's own rejection: no operation threw it. It carries no stack, because it is a decision and not a defect, and
 * making one would cost more than everything else on the way of a call that is turned away.
 */
export class ResilienceError extends HoldfastError {
  constructor(message: string, options: HoldfastErrorOptions) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = limit;
  }
}
