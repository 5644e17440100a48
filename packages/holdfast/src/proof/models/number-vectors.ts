import { PairTable } from "./pair-table.ts";

/**
 * Numbers vectors of 32-bit integers that are zero almost everywhere: equal vectors, equal numbers, 0 being the one
 * without anything. A vector is a binary tree over its indices, every subtree of which is numbered too, so that setting
 * one element costs the logarithm of the highest index, in time and in memory.
 */
export class NumberVectors {
  /** By height: a tree as its halves; at height 1 the halves are elements. */
  readonly #levels: PairTable[] = [];
  /** A vector as its height and its tree, which is the lowest that holds everything. */
  readonly #roots = new PairTable();

  get bytes(): number {
    return this.#levels.reduce((sum, level) => sum + level.bytes, this.#roots.bytes);
  }

  get(vector: number, index: number): number {
    if (vector === 0) return 0;
    const height = this.#roots.firstOf(vector);
    return index >= 2 ** height ? 0 : this.#element(this.#roots.secondOf(vector), height, index);
  }

  /** The vector with this element; indices are below 2 ** 30. */
  set(vector: number, index: number, value: number): number {
    let height = vector === 0 ? 1 : this.#roots.firstOf(vector);
    let tree = vector === 0 ? 0 : this.#roots.secondOf(vector);
    if (index >= 2 ** height) {
      if (value === 0) return vector;
      while (index >= 2 ** height) tree = this.#tree(++height, tree, 0);
    }
    tree = this.#with(tree, height, index, value);
    if (tree === 0) return 0;
    while (height > 1 && this.#half(tree, height, 1) === 0) tree = this.#half(tree, height--, 0);
    return this.#roots.numberOf(height, tree);
  }

  /** What is not zero, in order. */
  *entries(vector: number): Generator<readonly [index: number, value: number]> {
    if (vector === 0) return;
    const waiting: [tree: number, height: number, from: number][] = [
      [this.#roots.secondOf(vector), this.#roots.firstOf(vector), 0],
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [tree, height, from] = next;
      if (tree === 0) continue;
      if (height === 0) yield [from, tree];
      else {
        waiting.push([this.#half(tree, height, 1), height - 1, from + 2 ** (height - 1)]);
        waiting.push([this.#half(tree, height, 0), height - 1, from]);
      }
    }
  }

  #element(tree: number, height: number, index: number): number {
    let node = tree;
    for (let level = height; level > 0 && node !== 0; level--)
      node = this.#half(node, level, (index >>> (level - 1)) & 1);
    return node;
  }

  /** As deep as the tree is high, which is 30 at most. */
  #with(tree: number, height: number, index: number, value: number): number {
    if (height === 0) return value;
    const [low, high] = [this.#half(tree, height, 0), this.#half(tree, height, 1)];
    return ((index >>> (height - 1)) & 1) === 0
      ? this.#tree(height, this.#with(low, height - 1, index, value), high)
      : this.#tree(height, low, this.#with(high, height - 1, index, value));
  }

  #half(tree: number, height: number, side: number): number {
    if (tree === 0) return 0;
    const level = this.#levels[height]!;
    return side === 0 ? level.firstOf(tree) : level.secondOf(tree);
  }

  #tree(height: number, low: number, high: number): number {
    if (low === 0 && high === 0) return 0;
    while (this.#levels.length <= height) this.#levels.push(new PairTable());
    return this.#levels[height]!.numberOf(low, high);
  }
}
