const initialStates = 16;
const [factorA, factorB] = [0x01000193, 0x5bd1e995];

/**
 * Numbers sequences that grow at the end and shrink at the start: equal sequences, equal numbers, 0 being the empty
 * one. They are stretches of one array; a sequence is copied only when two continue the same one differently.
 */
export class NumberQueues {
  #items = new Int32Array(initialStates);
  #used = 0;
  #size = 1;
  /** By number, four words: where it starts, how long it is, two hashes. */
  #states = new Int32Array(4 * initialStates);
  /** Numbers plus one, by hash. */
  #slots = new Int32Array(2 * initialStates);
  /** By length: the power of the factors that the first item of so long a sequence carries. */
  readonly #powersA: number[] = [1];
  readonly #powersB: number[] = [1];

  constructor() {
    this.#enter(0);
  }

  get bytes(): number {
    return this.#items.byteLength + this.#states.byteLength + this.#slots.byteLength + 16 * this.#powersA.length;
  }

  lengthOf(state: number): number {
    return this.#states[4 * state + 1]!;
  }

  /** The first item; undefined when there is none. */
  firstOf(state: number): number | undefined {
    return this.lengthOf(state) === 0 ? undefined : this.#items[this.#states[4 * state]!];
  }

  itemsOf(state: number): Int32Array {
    const start = this.#states[4 * state]!;
    return this.#items.subarray(start, start + this.lengthOf(state));
  }

  append(state: number, item: number): number {
    const length = this.lengthOf(state);
    const hashA = (Math.imul(this.#states[4 * state + 2]!, factorA) + weightOf(item)) | 0;
    const hashB = (Math.imul(this.#states[4 * state + 3]!, factorB) + weightOf(item)) | 0;
    const known = this.#find(hashA, hashB, this.#states[4 * state]!, length, item);
    if (known >= 0) return known;
    const start = this.#room(state, length);
    this.#items[this.#used++] = item;
    return this.#add(start, length + 1, hashA, hashB);
  }

  /** Without its first item; of the empty one, itself. */
  dropFirst(state: number): number {
    const length = this.lengthOf(state);
    if (length === 0) return state;
    const start = this.#states[4 * state]!;
    const first = weightOf(this.#items[start]!);
    const hashA =
      (this.#states[4 * state + 2]! - Math.imul(first, this.#power(this.#powersA, factorA, length - 1))) | 0;
    const hashB =
      (this.#states[4 * state + 3]! - Math.imul(first, this.#power(this.#powersB, factorB, length - 1))) | 0;
    const known = this.#find(hashA, hashB, start + 1, length - 1);
    return known >= 0 ? known : this.#add(start + 1, length - 1, hashA, hashB);
  }

  /** The number of the stretch, with this item behind it if there is one; -1 if it has none yet. */
  #find(hashA: number, hashB: number, start: number, length: number, item?: number): number {
    const mask = this.#slots.length - 1;
    const whole = item === undefined ? length : length + 1;
    for (let slot = slotOf(hashA, hashB) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const state = this.#slots[slot]! - 1;
      const at = 4 * state;
      if (this.#states[at + 2] !== hashA || this.#states[at + 3] !== hashB || this.#states[at + 1] !== whole) continue;
      const other = this.#states[at]!;
      if (item !== undefined && this.#items[other + length] !== item) continue;
      if (other === start || this.#isSame(other, start, length)) return state;
    }
    return -1;
  }

  #isSame(a: number, b: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#items[a + i] !== this.#items[b + i]) return false;
    return true;
  }

  /** Where a sequence that goes on from this one starts: there, or behind everything where something else follows. */
  #room(state: number, length: number): number {
    const start = this.#states[4 * state]!;
    const isLast = start + length === this.#used;
    const needed = this.#used + 1 + (isLast ? 0 : length);
    if (needed > this.#items.length) this.#items = grown(this.#items, 2 * needed);
    if (isLast) return start;
    const copy = this.#used;
    this.#items.copyWithin(copy, start, start + length);
    this.#used += length;
    return copy;
  }

  #add(start: number, length: number, hashA: number, hashB: number): number {
    const state = this.#size++;
    if (4 * this.#size > this.#states.length) this.#states = grown(this.#states, 2 * this.#states.length);
    this.#states.set([start, length, hashA, hashB], 4 * state);
    if (2 * this.#size > this.#slots.length) {
      this.#slots = new Int32Array(2 * this.#slots.length);
      for (let known = 0; known < state; known++) this.#enter(known);
    }
    this.#enter(state);
    return state;
  }

  #enter(state: number): void {
    const mask = this.#slots.length - 1;
    let slot = slotOf(this.#states[4 * state + 2]!, this.#states[4 * state + 3]!) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = state + 1;
  }

  #power(powers: number[], factor: number, exponent: number): number {
    while (powers.length <= exponent) powers.push(Math.imul(powers.at(-1)!, factor));
    return powers[exponent]!;
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}

/** Never 0, so that no two sequences of one item over and over look alike. */
function weightOf(item: number): number {
  return item + 0x3c6ef372;
}

function slotOf(hashA: number, hashB: number): number {
  const h = Math.imul(hashA ^ (hashB >>> 7), 0x85ebca6b);
  return h ^ (h >>> 15);
}
