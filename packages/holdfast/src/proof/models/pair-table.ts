const initialSlots = 16;
const wordsPerSlot = 3;

/**
 * Numbers pairs of integers: equal pairs get equal numbers, from 1 on. What is built of pairs that way (a list as its
 * beginning and its last element, a tree as its halves) is equal if and only if its number is, and shares what it has
 * in common with others.
 */
export class PairTable {
  /** By slot: the pair, and its number (0: empty). */
  #slots = new Int32Array(wordsPerSlot * initialSlots);
  #mask = initialSlots - 1;
  /** By number: the pair. */
  #pairs = new Int32Array(2 * initialSlots);
  #size = 0;

  get bytes(): number {
    return this.#slots.byteLength + this.#pairs.byteLength;
  }

  numberOf(first: number, second: number): number {
    let slot = hashOf(first, second) & this.#mask;
    for (;;) {
      const at = wordsPerSlot * slot;
      const number = this.#slots[at + 2]!;
      if (number === 0) break;
      if (this.#slots[at] === first && this.#slots[at + 1] === second) return number;
      slot = (slot + 1) & this.#mask;
    }
    const number = ++this.#size;
    this.#put(slot, first, second, number);
    if (2 * number + 1 >= this.#pairs.length) this.#pairs = grown(this.#pairs);
    this.#pairs[2 * number] = first;
    this.#pairs[2 * number + 1] = second;
    if (2 * number > this.#mask) this.#rehash();
    return number;
  }

  firstOf(number: number): number {
    return this.#pairs[2 * number]!;
  }

  secondOf(number: number): number {
    return this.#pairs[2 * number + 1]!;
  }

  #put(slot: number, first: number, second: number, number: number): void {
    const at = wordsPerSlot * slot;
    this.#slots[at] = first;
    this.#slots[at + 1] = second;
    this.#slots[at + 2] = number;
  }

  #rehash(): void {
    this.#mask = 2 * this.#mask + 1;
    this.#slots = new Int32Array(wordsPerSlot * (this.#mask + 1));
    for (let number = 1; number <= this.#size; number++) {
      const [first, second] = [this.firstOf(number), this.secondOf(number)];
      let slot = hashOf(first, second) & this.#mask;
      while (this.#slots[wordsPerSlot * slot + 2] !== 0) slot = (slot + 1) & this.#mask;
      this.#put(slot, first, second, number);
    }
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

function hashOf(first: number, second: number): number {
  let h = Math.imul(first ^ (first >>> 15), 0x85ebca6b) ^ Math.imul(second + 0x9e3779b9, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return h ^ (h >>> 16);
}
