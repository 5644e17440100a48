import { ResilienceError } from "./resilience-error.ts";

/** Too many calls run, and too many wait: this one was turned away before it had any effect. */
export class BulkheadFullError extends ResilienceError {
  static override readonly brand: string = "BulkheadFullError";

  readonly maxConcurrent: number;
  readonly maxQueue: number;

  constructor(policy: string, maxConcurrent: number, maxQueue: number) {
    super(`${policy || "bulkhead"} is full: ${maxConcurrent} calls running, ${maxQueue} waiting`, {
      name: "BulkheadFullError",
      code: "BULKHEAD_FULL",
      kind: "resource",
      retryable: true,
    });
    this.maxConcurrent = maxConcurrent;
    this.maxQueue = maxQueue;
  }
}

/** A call waited for its turn as long as it may, and had no effect. */
export class BulkheadWaitTimeoutError extends ResilienceError {
  static override readonly brand: string = "BulkheadWaitTimeoutError";

  readonly maxWaitMs: number;

  constructor(policy: string, maxWaitMs: number) {
    super(`${policy || "bulkhead"} had no place within ${maxWaitMs} ms`, {
      name: "BulkheadWaitTimeoutError",
      code: "BULKHEAD_WAIT_TIMEOUT",
      kind: "resource",
      retryable: true,
    });
    this.maxWaitMs = maxWaitMs;
  }
}

/** The bulkhead was closed; the call had no effect. */
export class BulkheadClosedError extends ResilienceError {
  static override readonly brand: string = "BulkheadClosedError";

  constructor(policy: string) {
    super(`${policy || "bulkhead"} is closed`, {
      name: "BulkheadClosedError",
      code: "BULKHEAD_CLOSED",
      kind: "resource",
    });
  }
}
