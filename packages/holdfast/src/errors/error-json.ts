import { cut, ErrorShape } from "./error-shape.ts";
import { HoldfastError } from "./holdfast-error.ts";

/** An error as JSON: `name` and `message`, what its class adds, and its causes. */
export interface ErrorJson {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
  /** Why something that was caught is not here: it contains itself, is nested too deep, or is too much. */
  readonly omitted?: "cycle" | "depth" | "size";
  readonly [field: string]: unknown;
}

export interface SerializeErrorOptions {
  /** Whether stacks are written, cut to 1,024 characters. Default false: they tell a stranger about the program. */
  readonly stack?: boolean;
}

/** Bounds of one document: levels of causes, errors in all, and members of one list or object. */
export const errorJsonBounds: { readonly depth: 8; readonly errors: 64; readonly members: 32 } = {
  depth: 8,
  errors: 64,
  members: 32,
};

/** What is kept of an error that is not Holdfast's: facts, but nothing that may hold a payload or a secret. */
const foreignFields = ["code", "errno", "syscall", "address", "port", "hostname", "status", "statusCode"];

/**
 * Writes anything that was thrown as JSON, bounded whatever it is, and never throws. Holdfast's errors keep all their
 * fields, others `name`, `message` and codes.
 *
 * @example
 * process.send(serializeError(error)); // there: reviveError(message)
 */
export function serializeError(value: unknown, options: SerializeErrorOptions = {}): ErrorJson {
  return new Serializer(options.stack === true).error(new ErrorShape(value), 0);
}

class Serializer {
  readonly #stack: boolean;
  readonly #above = new Set<unknown>();
  #left: number = errorJsonBounds.errors;

  constructor(stack: boolean) {
    this.#stack = stack;
  }

  error(shape: ErrorShape, depth: number): ErrorJson {
    const head = { name: shape.name === "" ? "Error" : shape.name, message: shape.message };
    if (this.#above.has(shape.value)) return { ...head, omitted: "cycle" };
    if (depth >= errorJsonBounds.depth) return { ...head, omitted: "depth" };
    if (this.#left-- <= 0) return { ...head, omitted: "size" };
    this.#above.add(shape.value);
    const fields = isHoldfast(shape.value) ? this.#ownFields(shape) : foreign(shape);
    const stack = this.#stack ? shape.text("stack") : undefined;
    const cause = shape.get("cause");
    const errors = shape.get("errors");
    const json = {
      ...head,
      ...fields,
      ...(stack === undefined ? {} : { stack }),
      ...(cause === undefined ? {} : { cause: this.#nested(cause, depth + 1) }),
      ...(isArray(errors) ? { errors: items(errors).map((error) => this.#nested(error, depth + 1)) } : {}),
    };
    this.#above.delete(shape.value);
    return json;
  }

  #nested(value: unknown, depth: number): unknown {
    const shape = new ErrorShape(value);
    return shape.isObject ? this.error(shape, depth) : this.#data(value, depth);
  }

  #ownFields(shape: ErrorShape): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    for (const key of ["code", "kind", "retryable", ...keysOf(shape.value)]) {
      if (["cause", "errors", "stack", "name", "message"].includes(key)) continue;
      const value = this.#data(shape.get(key), 0);
      if (value !== undefined) fields[key] = value;
    }
    return fields;
  }

  /** Plain data, cut; undefined for what JSON does not have. */
  #data(value: unknown, depth: number): unknown {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") return cut(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (typeof value === "bigint") return cut(String(value));
    if (typeof value !== "object" || depth >= 4 || this.#left-- <= 0) return undefined;
    if (isArray(value)) return items(value).map((item) => this.#data(item, depth + 1) ?? null);
    const shape = new ErrorShape(value);
    const data: Record<string, unknown> = {};
    for (const key of keysOf(value)) {
      const member = this.#data(shape.get(key), depth + 1);
      // Defined, because to assign `__proto__` would change the prototype.
      if (member !== undefined) Object.defineProperty(data, key, { value: member, enumerable: true });
    }
    return data;
  }
}

function foreign(shape: ErrorShape): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of foreignFields) {
    const value = shape.text(key) ?? shape.number(key);
    if (value !== undefined) fields[key] = value;
  }
  return fields;
}

export function isHoldfast(value: unknown): value is HoldfastError {
  try {
    return HoldfastError.is(value);
  } catch {
    return false;
  }
}

/** The first members, however the list behaves. */
export function items(list: readonly unknown[]): unknown[] {
  const shape = new ErrorShape(list);
  const length = Math.min(shape.number("length") ?? 0, errorJsonBounds.members);
  return Array.from({ length }, (_, at) => shape.get(String(at)));
}

export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    // A revoked proxy.
    return false;
  }
}

function keysOf(value: unknown): string[] {
  try {
    return Object.keys(value as object).slice(0, errorJsonBounds.members);
  } catch {
    return [];
  }
}
