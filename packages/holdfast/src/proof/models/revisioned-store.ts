import { NumberVectors } from "./number-vectors.ts";
import { PairTable } from "./pair-table.ts";
import { ValueNumbers } from "./value-numbers.ts";

/** What a key holds. */
export interface Pair {
  readonly value: unknown;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** Numbers the states of a key-value store with revisions: equal contents at the same revision, equal numbers. */
export class RevisionedStore {
  readonly #keys = new ValueNumbers();
  readonly #values = new ValueNumbers();
  /** By key: the number of its pair. */
  readonly #contents = new NumberVectors();
  /** A pair as (value, create), (mod, version), and the pair of both. */
  readonly #halves = new PairTable();
  readonly #pairs = new PairTable();
  /** A state as contents and revision. */
  readonly #states = new PairTable();

  get bytes(): number {
    return this.#contents.bytes + this.#halves.bytes + this.#pairs.bytes + this.#states.bytes;
  }

  empty(revision: number): number {
    return this.#states.numberOf(0, revision);
  }

  revisionOf(state: number): number {
    return this.#states.secondOf(state);
  }

  get(state: number, key: string): Pair | undefined {
    const pair = this.#contents.get(this.#states.firstOf(state), this.#keys.numberOf(key));
    return pair === 0 ? undefined : this.#pairOf(pair);
  }

  put(state: number, key: string, value: unknown, revision: number): number {
    const before = this.get(state, key);
    const created = this.#halves.numberOf(this.#values.numberOf(value), before?.createRevision ?? revision);
    const changed = this.#halves.numberOf(revision, (before?.version ?? 0) + 1);
    return this.#with(state, key, this.#pairs.numberOf(created, changed), revision);
  }

  remove(state: number, key: string, revision: number): number {
    return this.#with(state, key, 0, revision);
  }

  describe(state: number): string {
    const held = [...this.#contents.entries(this.#states.firstOf(state))].map(([key, pair]) => {
      const { value, modRevision } = this.#pairOf(pair);
      return `${this.#keys.textOf(key)}: ${JSON.stringify(value)} of revision ${modRevision}`;
    });
    return `{${held.join(", ")}} at revision ${this.revisionOf(state)}`;
  }

  #with(state: number, key: string, pair: number, revision: number): number {
    const contents = this.#contents.set(this.#states.firstOf(state), this.#keys.numberOf(key), pair);
    return this.#states.numberOf(contents, revision);
  }

  #pairOf(pair: number): Pair {
    const [created, changed] = [this.#pairs.firstOf(pair), this.#pairs.secondOf(pair)];
    return {
      value: this.#values.valueOf(this.#halves.firstOf(created)),
      createRevision: this.#halves.secondOf(created),
      modRevision: this.#halves.firstOf(changed),
      version: this.#halves.secondOf(changed),
    };
  }
}
