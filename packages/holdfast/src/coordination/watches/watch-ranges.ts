import type { KeyRange } from "../key-value/key-range.ts";

class RangeNode<T> {
  readonly from: string;
  readonly to: string | undefined;
  readonly priority: number;
  readonly items: T[] = [];
  left: RangeNode<T> | undefined = undefined;
  right: RangeNode<T> | undefined = undefined;
  /** The end furthest up in this subtree. */
  highest: string | undefined;

  constructor(from: string, to: string | undefined, priority: number) {
    this.from = from;
    this.to = to;
    this.priority = priority;
    this.highest = to;
  }
}

/**
 * Items by range, to find those whose range holds a key: single keys in a map, ranges in an interval tree (a treap
 * ordered by where they begin; each node knows the highest end below it). Finding costs the logarithm of the ranges and
 * what is found.
 */
export class WatchRanges<T> {
  readonly #singles = new Map<string, T[]>();
  #root: RangeNode<T> | undefined;
  /** Any sequence without a pattern keeps the treap flat; a fixed one keeps runs repeatable. */
  #seed = 0x9e3779b9;

  get empty(): boolean {
    return this.#root === undefined && this.#singles.size === 0;
  }

  add({ from, to, single }: KeyRange, item: T): void {
    if (single) {
      const items = this.#singles.get(from);
      if (items === undefined) this.#singles.set(from, [item]);
      else items.push(item);
      return;
    }
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    this.#root = insert(this.#root, from, to, item, this.#seed);
  }

  remove({ from, to, single }: KeyRange, item: T): void {
    if (!single) {
      this.#root = remove(this.#root, from, to, item);
      return;
    }
    const items = this.#singles.get(from);
    if (items === undefined) return;
    take(items, item);
    if (items.length === 0) this.#singles.delete(from);
  }

  /** Visits the items whose range holds the key. */
  visit(key: string, visitor: (item: T) => void): void {
    const items = this.#singles.get(key);
    if (items !== undefined) for (const item of items) visitor(item);
    stab(this.#root, key, visitor);
  }
}

function stab<T>(node: RangeNode<T> | undefined, key: string, visitor: (item: T) => void): void {
  for (let at = node; at !== undefined && isBelow(key, at.highest); at = at.right) {
    stab(at.left, key, visitor);
    if (key < at.from) return;
    if (isBelow(key, at.to)) for (const item of at.items) visitor(item);
  }
}

function insert<T>(
  node: RangeNode<T> | undefined,
  from: string,
  to: string | undefined,
  item: T,
  priority: number,
): RangeNode<T> {
  if (node === undefined) {
    const made = new RangeNode<T>(from, to, priority);
    made.items.push(item);
    return made;
  }
  const order = compareRanges(from, to, node);
  if (order === 0) {
    node.items.push(item);
    return node;
  }
  if (order < 0) {
    const left = insert(node.left, from, to, item, priority);
    node.left = left;
    if (left.priority > node.priority) return liftLeft(node, left);
  } else {
    const right = insert(node.right, from, to, item, priority);
    node.right = right;
    if (right.priority > node.priority) return liftRight(node, right);
  }
  measure(node);
  return node;
}

function remove<T>(
  node: RangeNode<T> | undefined,
  from: string,
  to: string | undefined,
  item: T,
): RangeNode<T> | undefined {
  if (node === undefined) return undefined;
  const order = compareRanges(from, to, node);
  if (order < 0) node.left = remove(node.left, from, to, item);
  else if (order > 0) node.right = remove(node.right, from, to, item);
  else {
    take(node.items, item);
    if (node.items.length === 0) return merge(node.left, node.right);
  }
  measure(node);
  return node;
}

/** Everything in `left` is below everything in `right`. */
function merge<T>(left: RangeNode<T> | undefined, right: RangeNode<T> | undefined): RangeNode<T> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    measure(left);
    return left;
  }
  right.left = merge(left, right.left);
  measure(right);
  return right;
}

function liftLeft<T>(node: RangeNode<T>, left: RangeNode<T>): RangeNode<T> {
  node.left = left.right;
  left.right = node;
  measure(node);
  measure(left);
  return left;
}

function liftRight<T>(node: RangeNode<T>, right: RangeNode<T>): RangeNode<T> {
  node.right = right.left;
  right.left = node;
  measure(node);
  measure(right);
  return right;
}

function measure<T>(node: RangeNode<T>): void {
  let highest = node.to;
  if (node.left !== undefined) highest = higher(highest, node.left.highest);
  if (node.right !== undefined) highest = higher(highest, node.right.highest);
  node.highest = highest;
}

/** Of two ends; undefined is the end of all keys. */
function higher(left: string | undefined, right: string | undefined): string | undefined {
  if (left === undefined || right === undefined) return undefined;
  return left > right ? left : right;
}

function isBelow(key: string, end: string | undefined): boolean {
  return end === undefined || key < end;
}

function compareRanges<T>(from: string, to: string | undefined, node: RangeNode<T>): number {
  if (from !== node.from) return from < node.from ? -1 : 1;
  if (to === node.to) return 0;
  return to !== undefined && isBelow(to, node.to) ? -1 : 1;
}

function take<T>(items: T[], item: T): void {
  const at = items.indexOf(item);
  if (at >= 0) items.splice(at, 1);
}
