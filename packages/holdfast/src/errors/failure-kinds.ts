import { systemClock, type Clock } from "../runtime/system.ts";
import { Failure, type FailureOptions } from "./failure.ts";

export interface NetworkErrorOptions extends FailureOptions {
  /** What the other side asked to wait. Default: it did not say. */
  readonly retryAfterMs?: number;
}

/** Nobody who could answer was reached, or the answer got lost. Severity medium. Default code `NETWORK_FAILED`. */
export class NetworkError extends Failure {
  static override readonly brand: string = "NetworkError";

  declare readonly kind: "network";
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: NetworkErrorOptions = {}) {
    super(message, "network", "NETWORK_FAILED", options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface OperationTimeoutErrorOptions extends FailureOptions {
  /** Default: not known, an empty text. */
  readonly operation?: string;
  /** Default: not known. */
  readonly timeoutMs?: number;
  /** How often the call had been repeated before: an integer >= 0. Default 0. */
  readonly retryCount?: number;
}

/** The time was over; transient. Severity medium. Default code `OPERATION_TIMED_OUT`. */
export class OperationTimeoutError extends Failure {
  static override readonly brand: string = "OperationTimeoutError";

  declare readonly kind: "timeout";
  readonly operation: string;
  readonly timeoutMs: number | undefined;
  readonly retryCount: number;

  constructor(message: string, options: OperationTimeoutErrorOptions = {}) {
    super(message, "timeout", "OPERATION_TIMED_OUT", options);
    this.operation = options.operation ?? "";
    this.timeoutMs = options.timeoutMs;
    this.retryCount = options.retryCount ?? 0;
  }
}

/** How two states that disagree become one. */
export type ConflictResolution = "last-writer-wins" | "first-writer-wins" | "merge" | "manual";

export interface ConsistencyErrorOptions extends FailureOptions {
  readonly expectedState?: unknown;
  readonly actualState?: unknown;
  /** Default `manual`. */
  readonly conflictResolution?: ConflictResolution;
}

/** What is, is not what the call took for granted; not transient. Severity high. Default code `CONFLICT`. */
export class ConsistencyError extends Failure {
  static override readonly brand: string = "ConsistencyError";

  declare readonly kind: "consistency";
  readonly expectedState: unknown;
  readonly actualState: unknown;
  readonly conflictResolution: ConflictResolution;

  constructor(message: string, options: ConsistencyErrorOptions = {}) {
    super(message, "consistency", "CONFLICT", options);
    this.expectedState = options.expectedState;
    this.actualState = options.actualState;
    this.conflictResolution = options.conflictResolution ?? "manual";
  }
}

export interface ResourceErrorOptions extends FailureOptions {
  /** What there was not enough of: `connections`, `disk`. Default: not known, an empty text. */
  readonly resourceType?: string;
  readonly resourceId?: string;
  /** Whether it comes back by itself: another name of `transient`. Default true. */
  readonly isRecoverable?: boolean;
  /** Default: not known. */
  readonly retryAfterMs?: number;
}

/** Too much at once, or something taken; transient if recoverable. Severity high. Default code `SERVICE_UNAVAILABLE`. */
export class ResourceError extends Failure {
  static override readonly brand: string = "ResourceError";

  declare readonly kind: "resource";
  readonly resourceType: string;
  readonly resourceId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ResourceErrorOptions = {}) {
    const { isRecoverable = true } = options;
    super(message, "resource", "SERVICE_UNAVAILABLE", { transient: isRecoverable, ...options });
    this.resourceType = options.resourceType ?? "";
    this.resourceId = options.resourceId;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The same as `retryable`, under the taxonomy's name. */
  get isRecoverable(): boolean {
    return this.retryable;
  }
}

/** The rules refused; the same request will fail again. Severity low. Default code `INVALID_REQUEST`. */
export class BusinessError extends Failure {
  static override readonly brand: string = "BusinessError";

  declare readonly kind: "business";

  constructor(message: string, options: FailureOptions = {}) {
    super(message, "business", "INVALID_REQUEST", options);
  }
}

export interface SystemErrorOptions extends FailureOptions {
  /** Which part failed: `storage`, `postgresql`. Default: not known, an empty text. */
  readonly component?: string;
  readonly details?: string;
  /** Milliseconds since 1970. Default: what `clock` says. */
  readonly timestamp?: number;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, "wallTime">;
}

/** The machine or the program failed; not transient. Severity critical. Default code `SERVER_FAILED`. */
export class SystemError extends Failure {
  static override readonly brand: string = "SystemError";

  declare readonly kind: "system";
  readonly component: string;
  readonly details: string | undefined;
  readonly timestamp: number;

  constructor(message: string, options: SystemErrorOptions = {}) {
    super(message, "system", "SERVER_FAILED", options);
    this.component = options.component ?? "";
    this.details = options.details;
    this.timestamp = options.timestamp ?? (options.clock ?? systemClock).wallTime();
  }
}

/** Told apart by `kind`. */
export type AnyFailure =
  | NetworkError
  | OperationTimeoutError
  | ConsistencyError
  | ResourceError
  | BusinessError
  | SystemError;
