import type { Effect } from "./failure-codes.ts";
import { serializeError, type ErrorJson } from "./error-json.ts";
import { HoldfastError, type ErrorKind } from "./holdfast-error.ts";

/** Flat, for logs and metrics. */
export type ErrorContext = Readonly<Record<string, string | number | boolean>>;

export interface FailureOptions {
  /** Documented, stable, UPPER_SNAKE: one of `FailureErrorCode`, or the program's own. */
  readonly code?: string;
  readonly cause?: unknown;
  /** Whether the same call may succeed later. Default: true for network, timeout and resource. */
  readonly transient?: boolean;
  /** Default `unknown`. */
  readonly effect?: Effect;
  /** Facts for logs; never what is secret. Default none. */
  readonly context?: ErrorContext;
  /** The row of the classification table that decided: `postgresql 40001`. Only set by `classify`. */
  readonly rule?: string;
}

export const transientKinds: Readonly<Record<ErrorKind, boolean>> = {
  network: true,
  timeout: true,
  consistency: false,
  resource: true,
  business: false,
  system: false,
};

/** Literal, as a minifier may rename classes. */
const classNames: Readonly<Record<ErrorKind, string>> = {
  network: "NetworkError",
  timeout: "OperationTimeoutError",
  consistency: "ConsistencyError",
  resource: "ResourceError",
  business: "BusinessError",
  system: "SystemError",
};

/** What all six kinds of failure have; made by `classify`, or thrown by a program itself as one of the six classes. */
export abstract class Failure extends HoldfastError {
  static override readonly brand: string = "Failure";

  /** Whether the operation may have had its effect though it failed. */
  readonly effect: Effect;
  readonly context: ErrorContext;
  /** The row of the classification table that decided; undefined when no classifier made it. */
  readonly rule: string | undefined;

  protected constructor(message: string, kind: ErrorKind, code: string, options: FailureOptions) {
    const { transient = transientKinds[kind], cause } = options;
    super(message, { name: classNames[kind], code: options.code ?? code, kind, retryable: transient, cause });
    this.effect = options.effect ?? "unknown";
    this.context = options.context ?? {};
    this.rule = options.rule;
  }

  /** Whole, with causes, bounded: `reviveError` makes it an error of the same kind again, also in another process. */
  override toJSON(): ErrorJson {
    return serializeError(this);
  }
}
