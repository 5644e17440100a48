import { configurationWords } from "./configuration-set.ts";
import type { Timeline } from "./timeline.ts";

const exactWords = configurationWords - 2;

/**
 * Which operations an order holds, as it grows and shrinks. What is remembered of it beside the first operation that is
 * missing is which of those that may overlap that one it holds, and which of the ones in doubt: as bits where 128 hold
 * them, otherwise as a fingerprint of 128 bits, so that a configuration takes the same little memory in a history of any
 * length. With 10 ** 9 configurations two of them have the same fingerprint by chance with a probability below 10 ** -20.
 */
export class PlacedOperations {
  readonly #line: Timeline;
  readonly #bits: Int32Array;
  readonly #doubtfulWords: number;
  /** Four words; only kept where some operation needs it. */
  readonly #fingerprint: Int32Array = new Int32Array(exactWords);
  readonly #isWide: boolean;

  constructor(line: Timeline) {
    this.#line = line;
    this.#bits = new Int32Array(line.words);
    this.#doubtfulWords = line.words - line.doubtfulWord;
    this.#isWide = line.lastWord.some((last, operation) => !this.#isExact(operation, last));
  }

  has(operation: number): boolean {
    const at = this.#positionOf(operation);
    return ((this.#bits[at >>> 5]! >>> (at & 31)) & 1) === 1;
  }

  flip(operation: number): void {
    const at = this.#positionOf(operation);
    this.#bits[at >>> 5] = this.#bits[at >>> 5]! ^ (1 << (at & 31));
    if (!this.#isWide) return;
    for (let i = 0; i < exactWords; i++) {
      this.#fingerprint[i] = this.#fingerprint[i]! ^ scramble(Math.imul(exactWords, operation) + i + 1);
    }
  }

  /** Writes what a configuration consists of beside its state. */
  describe(missing: number, configuration: Int32Array): void {
    const last = this.#line.lastWord[missing]!;
    configuration[1] = missing;
    if (!this.#isExact(missing, last)) {
      configuration.set(this.#fingerprint, 2);
      return;
    }
    let at = 2;
    for (let word = missing >>> 5; word <= last; word++) configuration[at++] = this.#bits[word]!;
    for (let word = this.#line.doubtfulWord; word < this.#line.words; word++) configuration[at++] = this.#bits[word]!;
    while (at < configurationWords) configuration[at++] = 0;
  }

  #isExact(missing: number, last: number): boolean {
    return last - (missing >>> 5) + 1 + this.#doubtfulWords <= exactWords;
  }

  /** The operations in doubt begin a word of their own. */
  #positionOf(operation: number): number {
    const { known, doubtfulWord } = this.#line;
    return operation < known ? operation : 32 * doubtfulWord + operation - known;
  }
}

/** A 32-bit mixing function (murmur3's finaliser): single bits in, all bits out. */
function scramble(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
