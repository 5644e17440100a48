import type { ErrorContext } from "./failure.ts";

/** A context as it was recorded, with its time. */
export interface SeenContext {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly context: ErrorContext;
}

/** The commonest value of one field of the contexts. */
export interface CommonValue {
  readonly field: string;
  readonly value: string | number | boolean;
  readonly count: number;
  /** Of the contexts that are remembered, 0..1. */
  readonly share: number;
}

/** Bounds of one context that is remembered: fields, and characters of a value. */
const contextBounds = { fields: 8, characters: 128 };

/** The last contexts of a group, at most so many, as copies that keep nothing of the caller's alive. */
export class ContextLog {
  readonly #capacity: number;
  readonly #contexts: ErrorContext[] = [];
  readonly #times: number[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  record(now: number, context: ErrorContext): void {
    if (this.#capacity === 0) return;
    this.#contexts[this.#next] = boundedContext(context);
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Those after a time, newest first; times stay monotonic. */
  since(from: number): { readonly now: number; readonly context: ErrorContext }[] {
    const seen = [];
    for (let back = 1; back <= this.#contexts.length; back++) {
      const at = (this.#next - back + this.#capacity) % this.#capacity;
      const now = this.#times[at] as number;
      if (now > from) seen.push({ now, context: this.#contexts[at] as ErrorContext });
    }
    return seen;
  }

  clear(): void {
    if (this.#contexts.length > 0) this.#contexts.length = this.#times.length = this.#next = 0;
  }
}

/** The commonest value of every field, the most common first. */
export function commonValues(contexts: readonly ErrorContext[]): CommonValue[] {
  const fields = new Map<string, Map<string | number | boolean, number>>();
  for (const context of contexts) {
    for (const [field, value] of Object.entries(context)) {
      const counts = fields.get(field) ?? new Map<string | number | boolean, number>();
      fields.set(field, counts.set(value, (counts.get(value) ?? 0) + 1));
    }
  }
  const commonest = [...fields].map(([field, counts]) => {
    const [value, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
    return { field, value, count, share: count / contexts.length };
  });
  return commonest.sort((one, two) => two.count - one.count);
}

/** A copy within the bounds, of what a context may hold. */
export function boundedContext(context: ErrorContext): ErrorContext {
  const copy: Record<string, string | number | boolean> = {};
  let fields = 0;
  for (const field in context) {
    if (++fields > contextBounds.fields) break;
    const value: unknown = context[field];
    if (typeof value === "string") {
      copy[field] = value.length > contextBounds.characters ? detached(value, contextBounds.characters) : value;
    } else if (typeof value === "number" || typeof value === "boolean") copy[field] = value;
  }
  return copy;
}

/** The beginning of a text, as a text of its own: a slice would keep the whole alive. */
export function detached(text: string, length: number): string {
  const units: number[] = [];
  for (let at = 0; at < length && at < text.length; at++) units.push(text.charCodeAt(at));
  return String.fromCharCode(...units);
}
