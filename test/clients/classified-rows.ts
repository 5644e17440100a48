import { classify, type AnyFailure, type Classifier, type Rule } from "holdfast/errors";
import { expect } from "vitest";
import { unprovokedRows } from "./unprovoked-rows.ts";

/** What a call throws or rejects with; fails when it does neither. */
export async function caught(call: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    return error;
  }
  throw new Error(`nothing was thrown; the result is ${String(result)}`);
}

/** Keeps the account of which rows of a table an error was caught for. */
export class ClassifiedRows {
  readonly #classifier: Classifier;
  readonly #provoked = new Set<string>();

  constructor(classifier: Classifier) {
    this.#classifier = classifier;
  }

  /** The error was classified by exactly this row, as it says, with the error as cause. */
  expectRow(error: unknown, key: string): AnyFailure {
    const failure = classify(error);
    const seen = `${failure.rule} for ${String(error)}`;
    expect(seen).toBe(`${this.#classifier.system} ${key} for ${String(error)}`);
    expect(failure.code).toBe(codeOf(this.#classifier.rules[key]));
    if (failure !== error) expect(failure.cause).toBe(error);
    this.#provoked.add(key);
    return failure;
  }

  /** The rows an error was caught for so far. */
  get provoked(): readonly string[] {
    return [...this.#provoked];
  }

  /** Exactly these were provoked: for a file that has a part of a table. */
  expectOnly(keys: readonly string[]): void {
    expect([...this.#provoked].toSorted()).toEqual(keys.toSorted());
  }

  /**
   * Every row was provoked, here or in another file, but for those that are listed, whose documented shape is
   * classified here instead.
   */
  expectAll(elsewhere: readonly string[] = []): void {
    const { system, rules } = this.#classifier;
    const documented = unprovokedRows[system] ?? {};
    const rows = Object.keys(rules);
    const missing = rows.filter((key) => !this.#provoked.has(key) && !elsewhere.includes(key));
    expect(missing.toSorted()).toEqual(Object.keys(documented).toSorted());
    for (const [key, shape] of Object.entries(documented)) {
      const failure = classify(Object.assign(new Error("as documented"), shape));
      expect([failure.rule, failure.code]).toEqual([`${system} ${key}`, codeOf(rules[key])]);
    }
  }
}

function codeOf(rule: Rule | undefined): string | undefined {
  if (rule === undefined || typeof rule === "string") return rule;
  return "kind" in rule ? rule.code : rule[0];
}
