import type { RandomSource } from "../runtime/system.ts";

/** What the order keeps in an item: where it is. */
export interface Ordered {
  /** -1 when it is in no order. Owned by the order. */
  position: number;
}

/**
 * The order in which members are probed: each once a round, shuffled anew for every round, newcomers at a random place
 * of the running one (SWIM, section 4.3). So every member is probed within two rounds, whatever joins and leaves.
 */
export class ProbeOrder<T extends Ordered> {
  readonly #random: RandomSource;
  readonly #items: T[] = [];
  #next = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    const at = this.#below(this.#items.length + 1);
    this.#items.push(item);
    item.position = this.#items.length - 1;
    this.#swap(at, item.position);
  }

  remove(item: T): void {
    if (item.position < 0) return;
    // The hole moves behind those that were already probed in this round, so that nobody is left out.
    if (item.position < this.#next) {
      this.#next--;
      this.#swap(item.position, this.#next);
    }
    this.#swap(item.position, this.#items.length - 1);
    this.#items.pop();
    item.position = -1;
  }

  /** The next one that `suits`; undefined when a whole round finds none. */
  next(suits: (item: T) => boolean): T | undefined {
    for (let tries = this.#items.length; tries > 0; tries--) {
      if (this.#next >= this.#items.length) this.#shuffle();
      const item = this.#items[this.#next++]!;
      if (suits(item)) return item;
    }
    return undefined;
  }

  /** Up to `count` different ones that suit, at random. */
  sample(count: number, suits: (item: T) => boolean): T[] {
    const found: T[] = [];
    const { length } = this.#items;
    // Few suit only while much is dead: then a scan from a random place finds them.
    const maxTries = length > 3 * count ? 3 * count : 0;
    for (let tries = 0; tries < maxTries; tries++) {
      if (found.length === count) return found;
      const item = this.#items[this.#below(length)]!;
      if (suits(item) && !found.includes(item)) found.push(item);
    }
    const all = this.#items.filter((item) => suits(item) && !found.includes(item));
    for (let at = 0; at < all.length && found.length < count; at++) {
      const other = at + this.#below(all.length - at);
      found.push(all[other]!);
      all[other] = all[at]!;
    }
    return found;
  }

  #shuffle(): void {
    for (let at = this.#items.length - 1; at > 0; at--) this.#swap(at, this.#below(at + 1));
    this.#next = 0;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a]!, this.#items[b]!];
    this.#items[a] = second;
    this.#items[b] = first;
    second.position = a;
    first.position = b;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}
