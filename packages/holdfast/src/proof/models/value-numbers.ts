/** Numbers values in the order of their first sight, null being 0; equal values (as JSON) get equal numbers. */
export class ValueNumbers {
  readonly #primitives = new Map<unknown, number>([[null, 0]]);
  readonly #objects = new Map<string, number>();
  readonly #values: unknown[] = [null];

  get size(): number {
    return this.#values.length;
  }

  numberOf(value: unknown): number {
    if (typeof value === "object" && value !== null) return this.#number(this.#objects, canonicalJson(value), value);
    return this.#number(this.#primitives, value ?? null, value ?? null);
  }

  /** The value of a number that was given out. */
  valueOf(number: number): unknown {
    return this.#values[number];
  }

  textOf(number: number): string {
    return number < this.#values.length ? JSON.stringify(this.#values[number]) : "?";
  }

  #number<K>(numbers: Map<K, number>, key: K, value: unknown): number {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#values.push(value) - 1;
    numbers.set(key, number);
    return number;
  }
}

/** Equal values, equal text, whatever the order of their fields. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
