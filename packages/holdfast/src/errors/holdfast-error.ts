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

  /** What `is` knows a class by, in every copy of the package; literal, as a minifier may rename classes. */
  static readonly brand: string = "HoldfastError";

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

  /**
   * True for every error of the class it is called on and of those that extend it, also one of another copy of this
   * package. A class that says no `brand` of its own knows its own copy's alone.
   */
  static is<T extends HoldfastError>(this: { readonly prototype: T }, value: unknown): value is T {
    if ((value as { [brand]?: unknown } | null | undefined)?.[brand] !== true) return false;
    if ((this as unknown) === HoldfastError) return true;
    const asked: unknown = Object.hasOwn(this, "brand") ? (this as unknown as { brand: string }).brand : this;
    // Each class of the chain says its own brand; one that says none has that of the next.
    for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
      const { constructor } = at as { readonly constructor?: { readonly brand?: unknown } };
      if (constructor === asked || constructor?.brand === asked) return true;
    }
    return false;
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
