import { HoldfastError, type HoldfastErrorOptions } from "../errors/base.ts";

/**
 * A policy's own rejection: no operation threw it. Its stack is its first line alone, because it is a decision and not a
 * defect, and collecting frames would cost more than everything else on the way of a call that is turned away.
 */
export class ResilienceError extends HoldfastError {
  static override readonly brand: string = "ResilienceError";

  /** A class without a message has a getter for it, which costs the engine much less; its `stack` is undefined. */
  constructor(message: string | undefined, options: HoldfastErrorOptions) {
    const limit = Error.stackTraceLimit;
    // Not zero: then the engine still collects what it needs for a stack of no frames.
    Error.stackTraceLimit = undefined as never;
    super(message, options);
    Error.stackTraceLimit = limit;
    if (message !== undefined) this.stack = `${this.name}: ${message}`;
  }
}
