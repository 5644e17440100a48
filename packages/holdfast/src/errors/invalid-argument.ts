import { HoldfastError } from "./holdfast-error.ts";

/** An option or argument broke its rule; the message names the option, the rule and the value. */
export class InvalidArgumentError extends HoldfastError {
  static override readonly brand: string = "InvalidArgumentError";

  /** @example new InvalidArgumentError("retry.maxAttempts", "must be an integer >= 1", -2) */
  constructor(name: string, rule: string, value: unknown) {
    super(`${name} ${rule} (got ${describe(value)})`, {
      name: "InvalidArgumentError",
      code: "INVALID_ARGUMENT",
      kind: "business",
    });
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
