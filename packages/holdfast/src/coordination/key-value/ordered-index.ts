/** Entries of a leaf, and children of a branch, at most. */
const capacity = 64;
/** Below this a node is joined with a neighbour, if both fit. */
const sparse = capacity / 4;
/** A joined node leaves room, so that the next insertion does not split it again. */
const joined = (capacity * 3) / 4;

class Leaf<V> {
  keys: string[] = [];
  values: V[] = [];
  next: Leaf<V> | undefined;
  previous: Leaf<V> | undefined;
}

class Branch<V> {
  /** `keys[i]` is a lower bound of `children[i + 1]` and above everything in `children[i]`. */
  keys: string[] = [];
  children: Node<V>[] = [];
  /** The weight of each child. */
  weights: number[] = [];
}

type Node<V> = Leaf<V> | Branch<V>;

/** Called for each entry; false ends the walk. It must not insert or remove. */
export type Visit<V> = (value: V, key: string) => boolean;

/**
 * An ordered map from strings to objects that also counts: each entry weighs 0 or more, and the weight of a range is
 * known in logarithmic time. A B+tree whose branches carry the weight of each child (Comer, "The Ubiquitous B-Tree",
 * 1979).
 */
export class OrderedIndex<V extends object> {
  readonly #weigh: (value: V) => number;
  #root: Node<V> = new Leaf<V>();
  /** Branches above the leaves. */
  #height = 0;
  #size = 0;
  /** The branches and slots of the last descent, from the root. */
  readonly #path: Branch<V>[] = [];
  readonly #slots: number[] = [];

  constructor(weigh: (value: V) => number) {
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const leaf = this.#leafOf(key);
    const at = lowerBound(leaf.keys, key);
    return leaf.keys[at] === key ? leaf.values[at] : undefined;
  }

  /** Adds an entry, or replaces the one with this key. */
  set(key: string, value: V): void {
    const leaf = this.#descend(key);
    const at = lowerBound(leaf.keys, key);
    const weight = this.#weigh(value);
    if (leaf.keys[at] === key) {
      const change = weight - this.#weigh(leaf.values[at]!);
      leaf.values[at] = value;
      this.#addWeight(change);
      return;
    }
    const appends = at === leaf.keys.length && leaf.next === undefined;
    leaf.keys.splice(at, 0, key);
    leaf.values.splice(at, 0, value);
    this.#size++;
    this.#addWeight(weight);
    if (leaf.keys.length > capacity) this.#splitLeaf(leaf, appends ? capacity : capacity / 2);
  }

  /** Takes note that the entry of `key`, which must exist, weighs `change` more than before. */
  reweigh(key: string, change: number): void {
    if (change === 0) return;
    this.#descend(key);
    this.#addWeight(change);
  }

  /** Removes the entry; false when there is none. */
  remove(key: string): boolean {
    const leaf = this.#descend(key);
    const at = lowerBound(leaf.keys, key);
    if (leaf.keys[at] !== key) return false;
    this.#addWeight(-this.#weigh(leaf.values[at]!));
    leaf.keys.splice(at, 1);
    leaf.values.splice(at, 1);
    this.#size--;
    if (leaf.keys.length < sparse) this.#joinUpwards();
    return true;
  }

  /** The weight of the entries in `[from, to)`; to the end without `to`. */
  weight(from: string, to?: string): number {
    if (to !== undefined && to <= from) return 0;
    return (to === undefined ? this.#totalWeight() : this.#weightBelow(to)) - this.#weightBelow(from);
  }

  /** Visits the entries in `[from, to)` in ascending order; to the end without `to`. */
  ascend(from: string, to: string | undefined, visit: Visit<V>): void {
    let leaf: Leaf<V> | undefined = this.#leafOf(from);
    let at = lowerBound(leaf.keys, from);
    for (; leaf !== undefined; leaf = leaf.next, at = 0) {
      const { keys, values } = leaf;
      const last = keys.at(-1);
      const end: number = to === undefined || last === undefined || last < to ? keys.length : lowerBound(keys, to);
      for (; at < end; at++) if (!visit(values[at]!, keys[at]!)) return;
      if (end < keys.length) return;
    }
  }

  /** Visits the entries in `[from, to)` in descending order; from the end without `to`. */
  descend(from: string, to: string | undefined, visit: Visit<V>): void {
    let leaf: Leaf<V> | undefined = to === undefined ? this.#lastLeaf() : this.#leafOf(to);
    let at = to === undefined ? leaf.keys.length - 1 : lowerBound(leaf.keys, to) - 1;
    while (leaf !== undefined) {
      const { keys, values } = leaf;
      for (; at >= 0; at--) if (keys[at]! < from || !visit(values[at]!, keys[at]!)) return;
      leaf = leaf.previous;
      at = leaf === undefined ? -1 : leaf.keys.length - 1;
    }
  }

  #leafOf(key: string): Leaf<V> {
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const branch = node as Branch<V>;
      node = branch.children[upperBound(branch.keys, key)]!;
    }
    return node as Leaf<V>;
  }

  /** Like `#leafOf`, remembering the way. */
  #descend(key: string): Leaf<V> {
    let node = this.#root;
    for (let depth = 0; depth < this.#height; depth++) {
      const branch = node as Branch<V>;
      const slot = upperBound(branch.keys, key);
      this.#path[depth] = branch;
      this.#slots[depth] = slot;
      node = branch.children[slot]!;
    }
    return node as Leaf<V>;
  }

  #lastLeaf(): Leaf<V> {
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) node = (node as Branch<V>).children.at(-1)!;
    return node as Leaf<V>;
  }

  #addWeight(change: number): void {
    if (change === 0) return;
    for (let depth = 0; depth < this.#height; depth++) this.#path[depth]!.weights[this.#slots[depth]!]! += change;
  }

  #totalWeight(): number {
    return this.#height === 0 ? this.#leafWeight(this.#root as Leaf<V>) : sum((this.#root as Branch<V>).weights);
  }

  #weightBelow(key: string): number {
    let total = 0;
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const branch = node as Branch<V>;
      const slot = upperBound(branch.keys, key);
      total += sum(branch.weights, slot);
      node = branch.children[slot]!;
    }
    const leaf = node as Leaf<V>;
    return total + this.#leafWeight(leaf, lowerBound(leaf.keys, key));
  }

  #leafWeight(leaf: Leaf<V>, end: number = leaf.keys.length): number {
    let total = 0;
    for (let at = 0; at < end; at++) total += this.#weigh(leaf.values[at]!);
    return total;
  }

  /** Moves what is behind `at` into a new leaf. Keys that come in ascending order leave full leaves behind. */
  #splitLeaf(leaf: Leaf<V>, at: number): void {
    const right = new Leaf<V>();
    right.keys = leaf.keys.splice(at);
    right.values = leaf.values.splice(at);
    right.next = leaf.next;
    right.previous = leaf;
    if (leaf.next !== undefined) leaf.next.previous = right;
    leaf.next = right;
    this.#addChild(this.#height - 1, leaf, right, right.keys[0]!, this.#leafWeight(right), at === capacity);
  }

  #addChild(depth: number, left: Node<V>, right: Node<V>, separator: string, weight: number, appends: boolean): void {
    if (depth < 0) {
      const root = new Branch<V>();
      root.keys = [separator];
      root.children = [left, right];
      root.weights = [left instanceof Leaf ? this.#leafWeight(left) : sum(left.weights), weight];
      this.#root = root;
      this.#height++;
      return;
    }
    const branch = this.#path[depth]!;
    const slot = this.#slots[depth]!;
    branch.keys.splice(slot, 0, separator);
    branch.children.splice(slot + 1, 0, right);
    branch.weights[slot]! -= weight;
    branch.weights.splice(slot + 1, 0, weight);
    if (branch.children.length > capacity) this.#splitBranch(depth, branch, appends);
  }

  #splitBranch(depth: number, branch: Branch<V>, appends: boolean): void {
    const at = appends ? capacity : capacity / 2;
    const right = new Branch<V>();
    right.children = branch.children.splice(at);
    right.weights = branch.weights.splice(at);
    right.keys = branch.keys.splice(at);
    const separator = branch.keys.pop()!;
    this.#addChild(depth - 1, branch, right, separator, sum(right.weights), appends);
  }

  /** Joins sparse nodes on the path with a neighbour below the same branch, from the leaf up. */
  #joinUpwards(): void {
    for (let depth = this.#height - 1; depth >= 0; depth--) {
      const branch = this.#path[depth]!;
      const slot = this.#slots[depth]!;
      if (!this.#join(branch, slot - 1)) this.#join(branch, slot);
      if (branch.children.length >= sparse) break;
    }
    while (this.#height > 0 && (this.#root as Branch<V>).children.length === 1) {
      this.#root = (this.#root as Branch<V>).children[0]!;
      this.#height--;
    }
  }

  /** Joins the children at `left` and `left + 1` when they fit into one; true when it did. */
  #join(branch: Branch<V>, left: number): boolean {
    const into = branch.children[left];
    const from = branch.children[left + 1];
    if (into === undefined || from === undefined) return false;
    if (into instanceof Leaf && from instanceof Leaf) {
      if (!fits(into.keys.length, from.keys.length)) return false;
      into.keys.push(...from.keys);
      into.values.push(...from.values);
      into.next = from.next;
      if (from.next !== undefined) from.next.previous = into;
    } else if (into instanceof Branch && from instanceof Branch) {
      if (!fits(into.children.length, from.children.length)) return false;
      into.keys.push(branch.keys[left]!, ...from.keys);
      into.children.push(...from.children);
      into.weights.push(...from.weights);
    }
    branch.keys.splice(left, 1);
    branch.children.splice(left + 1, 1);
    branch.weights[left]! += branch.weights[left + 1]!;
    branch.weights.splice(left + 1, 1);
    return true;
  }
}

function fits(left: number, right: number): boolean {
  return left + right <= joined || left === 0 || right === 0;
}

function sum(numbers: readonly number[], end: number = numbers.length): number {
  let total = 0;
  for (let at = 0; at < end; at++) total += numbers[at]!;
  return total;
}

/** The first position whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first position whose key is above `key`. */
function upperBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
