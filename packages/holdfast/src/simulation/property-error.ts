import { HoldfastError } from "../errors/base.ts";

/**
 * What a system promises did not hold in a simulated run, or the runs were not worth the name of a check. Code
 * `PROPERTY_VIOLATED`.
 */
export class PropertyError extends HoldfastError {
  static override readonly brand: string = "PropertyError";

  /** Which promise; what is broken by the same cause has the same one. */
  readonly invariant: string;

  constructor(invariant: string, detail?: string, options: { readonly cause?: unknown } = {}) {
    super(detail === undefined ? invariant : `${invariant}: ${detail}`, {
      name: "PropertyError",
      code: "PROPERTY_VIOLATED",
      kind: "business",
      ...options,
    });
    this.invariant = invariant;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), invariant: this.invariant };
  }
}

/** By what two failures are the same: the promise, or the error's name and its words without the numbers. */
export function invariantOf(error: unknown): string {
  if (PropertyError.is(error)) return error.invariant;
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const [line = ""] = error.message.split("\n");
  return `${error.name}: ${line}`.replaceAll(/\d+(\.\d+)?/g, "N");
}
