import { impossible } from "../model.ts";
import type { ValueNumbers } from "./value-numbers.ts";

/**
 * What the recorded gets of a growing value say about the order of its appends. What was appended once and seen by
 * somebody was appended to exactly what stands before it there. And what nobody ever saw hides all that comes after it
 * until a put: all states that hold such a thing are alike. Without it a search learns only at the next get which of the
 * appends at the same time came first.
 */
export class AppendForesight {
  readonly #values: ValueNumbers;
  /** By what was appended: how often. */
  readonly #appended = new Map<number, number>();
  /** What whole values began with: put, or there at first. */
  readonly #wholes: unknown[] = [];
  readonly #seenWholes: unknown[] = [];
  /** By what was appended: the state that it was appended to, or `impossible` when gets contradict each other. */
  readonly #before = new Map<number, number>();
  readonly #seen = new Set<number>();
  /** Whether it is certain what every get saw. */
  #isClear = true;
  #isReady = false;

  constructor(values: ValueNumbers) {
    this.#values = values;
  }

  noteAppend(value: number): void {
    this.#appended.set(value, (this.#appended.get(value) ?? 0) + 1);
  }

  noteWhole(value: unknown): void {
    if (value !== null) this.#wholes.push(value);
  }

  noteGet(value: unknown): void {
    if (value !== null) this.#seenWholes.push(value);
  }

  /** @param extend the state with one part more */
  prepare(empty: number, extend: (state: number, part: number) => number): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const fixed = new Set<number>();
    for (const whole of this.#wholes) {
      for (const part of Array.isArray(whole) ? whole : [whole]) fixed.add(this.#values.numberOf(part));
    }
    const split = this.#splitter(fixed);
    for (const whole of this.#seenWholes) {
      const parts = Array.isArray(whole) ? whole.map((part) => this.#values.numberOf(part)) : split(whole as string);
      if (parts === undefined) {
        this.#isClear = false;
        continue;
      }
      let state = empty;
      for (const part of parts) {
        this.#seen.add(part);
        if (this.#appended.get(part) === 1 && !fixed.has(part)) {
          const known = this.#before.get(part);
          this.#before.set(part, known === undefined || known === state ? state : impossible);
        }
        state = extend(state, part);
      }
    }
  }

  /** Whether it was appended where it can have been. */
  allows(state: number, value: number): boolean {
    const before = this.#before.get(value);
    return before === undefined || before === state;
  }

  /** Whether nobody ever saw it. */
  isHidden(value: number): boolean {
    return this.#isClear && !this.#seen.has(value);
  }

  /** Splits texts into what was put and appended; gives undefined where there is more than one way, or none. */
  #splitter(fixed: ReadonlySet<number>): (text: string) => number[] | undefined {
    const texts = new Map<string, number>();
    for (const number of [...fixed, ...this.#appended.keys()]) {
      const text = this.#values.valueOf(number);
      if (typeof text === "string" && text !== "") texts.set(text, number);
    }
    const lengths = new Set([...texts.keys()].map(({ length }) => length));
    return (whole) => {
      const parts: number[] = [];
      for (let at = 0; at < whole.length;) {
        const starting = [...lengths].map((length) => whole.slice(at, at + length)).filter((text) => texts.has(text));
        const [only, ...others] = new Set(starting);
        if (only === undefined || others.length > 0) return undefined;
        parts.push(texts.get(only)!);
        at += only.length;
      }
      return parts;
    };
  }
}
