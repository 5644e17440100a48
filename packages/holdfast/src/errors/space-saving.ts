/** A key that may be frequent: it came at least `count - error` times, and at most `count` times. */
export interface FrequentKey {
  readonly key: number;
  /** Which place it has: whoever keeps more about keys keeps it there. */
  readonly slot: number;
  readonly count: number;
  readonly error: number;
}

/**
 * The most frequent keys of a stream of any length, in the memory of `capacity` counters: Space-Saving (A. Metwally,
 * D. Agrawal, A. El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005, section 3).
 *
 * After N keys: no count is more than N / capacity too high, none is too low, and every key that came more often than
 * N / capacity has a counter. The counters are a heap, the least on top, so that a key costs O(log capacity) at most.
 */
export class SpaceSaving {
  readonly #slots = new Map<number, number>();
  readonly #keys: Float64Array;
  readonly #counts: Float64Array;
  readonly #errors: Float64Array;
  /** Slots by heap position, and the other way round. */
  readonly #heap: Int32Array;
  readonly #positions: Int32Array;
  #total = 0;
  #fresh = false;

  /** @param capacity how many counters: an integer >= 1 */
  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
    this.#counts = new Float64Array(capacity);
    this.#errors = new Float64Array(capacity);
    this.#heap = new Int32Array(capacity);
    this.#positions = new Int32Array(capacity);
  }

  /** How many keys have a counter. */
  get size(): number {
    return this.#slots.size;
  }

  /** How many keys were added. */
  get total(): number {
    return this.#total;
  }

  /** The most that a key without a counter can have come: at most `total / capacity`. */
  get errorBound(): number {
    return this.size < this.#keys.length ? 0 : (this.#counts[this.#heap[0] as number] as number);
  }

  /** Whether the key last added has taken its slot just then, from another or from nobody. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** Counts a key. Returns its slot: 0 up to `capacity - 1`. */
  add(key: number): number {
    this.#total++;
    let slot = this.#slots.get(key);
    this.#fresh = slot === undefined;
    if (slot === undefined) {
      const used = this.#slots.size;
      if (used < this.#keys.length) {
        slot = used;
        this.#heap[used] = slot;
        this.#positions[slot] = used;
        this.#rise(used);
      } else {
        slot = this.#heap[0] as number;
        this.#slots.delete(this.#keys[slot] as number);
        this.#errors[slot] = this.#counts[slot] as number;
      }
      this.#keys[slot] = key;
      this.#slots.set(key, slot);
    }
    (this.#counts[slot] as number)++;
    this.#sink(this.#positions[slot] as number);
    return slot;
  }

  get(key: number): FrequentKey | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : this.#at(slot);
  }

  /** All keys that have a counter, the most frequent first. */
  entries(): FrequentKey[] {
    return [...this.#slots.values()].map((slot) => this.#at(slot)).sort((one, two) => two.count - one.count);
  }

  clear(): void {
    this.#slots.clear();
    this.#counts.fill(0);
    this.#errors.fill(0);
    this.#total = 0;
  }

  #at(slot: number): FrequentKey {
    const [key, count, error] = [this.#keys[slot], this.#counts[slot], this.#errors[slot]] as [number, number, number];
    return { key, slot, count, error };
  }

  #rise(position: number): void {
    let at = position;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(position: number): void {
    const size = this.#slots.size;
    let at = position;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const least = left + 1 < size && this.#less(left + 1, left) ? left + 1 : left;
      if (!this.#less(least, at)) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #less(one: number, two: number): boolean {
    return (this.#counts[this.#heap[one] as number] as number) < (this.#counts[this.#heap[two] as number] as number);
  }

  #swap(one: number, two: number): void {
    const first = this.#heap[one] as number;
    const second = this.#heap[two] as number;
    this.#heap[one] = second;
    this.#heap[two] = first;
    this.#positions[second] = one;
    this.#positions[first] = two;
  }
}
