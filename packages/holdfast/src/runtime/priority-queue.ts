/** What a queue orders: by time, then by the order in which things were added. */
export interface Queued {
  readonly time: number;
  readonly sequence: number;
  /** Where the queue keeps it; -1 when it is in none. Owned by the queue. */
  position: number;
}

/** A binary heap whose items know their place, so that removing one costs O(log n) and leaves nothing behind. */
export class PriorityQueue<T extends Queued> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(item: T): void {
    this.#heap.push(item);
    this.#up(item, this.#heap.length - 1);
  }

  take(): T | undefined {
    const first = this.#heap[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removes an item; one that is not in the queue is fine. */
  remove(item: T): void {
    const at = item.position;
    if (at < 0) return;
    item.position = -1;
    const last = this.#heap.pop() as T;
    if (last === item) return;
    if (at > 0 && before(last, this.#heap[(at - 1) >> 1] as T)) this.#up(last, at);
    else this.#down(last, at);
  }

  #up(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above] as T;
      if (!before(item, parent)) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(item, at);
  }

  #down(item: T, from: number): void {
    const heap = this.#heap;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1] as T, heap[below] as T)) below++;
      const child = heap[below] as T;
      if (!before(child, item)) break;
      this.#put(child, at);
      at = below;
    }
    this.#put(item, at);
  }

  #put(item: T, at: number): void {
    this.#heap[at] = item;
    item.position = at;
  }
}

function before(a: Queued, b: Queued): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
