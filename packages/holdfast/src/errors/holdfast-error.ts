const brand: unique symbol = Symbol.for("holdfast.error") as never;

/** What went wrong, in six kinds that decide how it is handled. */
export type ErrorKind = "network" | "timeout" | "consistency" | "resource" | "business" | "system";

export interface HoldfastErrorOptions {
  /** Default: the class's own, which a minifier may change. */
  readonly name?: string;
  /** Documented, stable, UPPER_SNAKE; see docs/errors.md. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** Whether the same call may succeed later. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** The base of every error Holdfast throws. */
export class HoldfastError extends Error {
  static {
    Object.defineProperty(this.prototype, brand, { value: true });
  }

  readonly code: string;
  readonly kind: ErrorKind;
  readonly retryable: boolean;

  constructor(message: string | undefined, options: HoldfastErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = options.name ?? (new.target === HoldfastError ? "HoldfastError" : new.target.name);
    this.code = options.code;
    this.kind = options.kind;
    this.retryable = options.retryable ?? false;
  }

  /** True for every Holdfast error, also one of another copy of this package. */
  static is(value: unknown): value is HoldfastError {
    return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }

  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      code: this.code,
      kind: this.kind,
      retryable: this.retryable,
      message: this.message,
      ...(this.cause instanceof Error ? { cause: `${this.cause.name}: ${this.cause.message}` } : {}),
    };
  }
}
