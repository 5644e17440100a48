import { HoldfastError } from "../errors/base.ts";

/** A time limit passed: one of Holdfast's, or what `AbortSignal.timeout` gives. */
export function isTimeout(error: unknown): boolean {
  if (HoldfastError.is(error)) return error.kind === "timeout";
  return error instanceof Error && error.name === "TimeoutError";
}

/** The other side has too much to do: a time limit passed, or a resource is used up. */
export function isOverload(error: unknown): boolean {
  return isTimeout(error) || (HoldfastError.is(error) && error.kind === "resource");
}
