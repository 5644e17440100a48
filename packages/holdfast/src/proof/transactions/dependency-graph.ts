import type { Element, Key } from "./micro-operation.ts";

/**
 * Why one transaction comes before another; bits, so that a search can name several. An `update` is an `rw` whose reader
 * replaced the version, too, while nobody knows who did so first. Snapshots let only one of them do it without knowing of
 * the other, so as far as they go it is a `ww`: the other order would make a cycle of these two.
 */
export const dependency = { ww: 1, wr: 2, rw: 4, process: 8, realtime: 16, update: 32 } as const;

export type DependencyBit = (typeof dependency)[keyof typeof dependency];

/** What proves an edge: the version that was replaced, written or read, and the one that came after. */
export interface Evidence {
  readonly key: Key;
  readonly before: Element | null;
  readonly after: Element | null;
}

/** A version's first successor by some transaction. */
export interface Overwrite {
  readonly writer: number;
  readonly value: Element;
}

/**
 * Who must come before whom, as in Adya, "Weak consistency" (1999), section 3.1: a transaction's number is its node.
 * Nodes beyond them are pivots. Where each of `m` transactions precedes each of `n`, edges through pivots say so with
 * `m + n` of them instead of `m * n`; the kind of the whole is that of its first edge.
 */
export class DependencyGraph {
  readonly transactions: number;
  readonly sources: number[] = [];
  readonly targets: number[] = [];
  readonly bits: DependencyBit[] = [];
  readonly evidence: (Evidence | undefined)[] = [];
  #nodes: number;

  constructor(transactions: number) {
    this.transactions = transactions;
    this.#nodes = transactions;
  }

  get nodes(): number {
    return this.#nodes;
  }

  /** Nothing comes before itself: such an edge is left out. */
  add(bit: DependencyBit, from: number, to: number, evidence?: Evidence): void {
    if (from === to) return;
    this.sources.push(from);
    this.targets.push(to);
    this.bits.push(bit);
    this.evidence.push(evidence);
  }

  pivot(): number {
    return this.#nodes++;
  }

  /** Each reader of a version comes before each of those that replaced it, other than itself. Each writer stands once. */
  addOverwrites(key: Key, version: Element | null, readers: readonly number[], overwrites: readonly Overwrite[]): void {
    if (readers.length === 0 || overwrites.length === 0) return;
    const evidence = overwrites.map(({ value }): Evidence => ({ key, before: version, after: value }));
    const place = new Map(overwrites.map(({ writer }, i) => [writer, i] as const));
    if (readers.length * overwrites.length <= 4 * (readers.length + overwrites.length)) {
      for (const reader of readers) {
        const bit = place.has(reader) ? dependency.update : dependency.rw;
        for (const [i, { writer }] of overwrites.entries()) this.add(bit, reader, writer, evidence[i]);
      }
      return;
    }
    // Two chains of pivots, of which one reaches all writers up to a place and the other all from a place on: who reads
    // the version and replaces it, too, enters both beside itself.
    const upTo = this.#chain(overwrites, evidence);
    const from = this.#chain(overwrites.toReversed(), evidence.toReversed()).reverse();
    for (const reader of readers) {
      const own = place.get(reader);
      if (own === undefined) this.add(dependency.rw, reader, from[0]!);
      if (own !== undefined && own > 0) this.add(dependency.update, reader, upTo[own - 1]!);
      if (own !== undefined && own + 1 < from.length) this.add(dependency.update, reader, from[own + 1]!);
    }
  }

  /** Pivots of which each reaches one writer and the pivot before. */
  #chain(overwrites: readonly Overwrite[], evidence: readonly Evidence[]): number[] {
    const pivots: number[] = [];
    for (const [i, { writer }] of overwrites.entries()) {
      const pivot = this.pivot();
      this.add(dependency.rw, pivot, writer, evidence[i]);
      if (i > 0) this.add(dependency.rw, pivot, pivots[i - 1]!);
      pivots.push(pivot);
    }
    return pivots;
  }
}
