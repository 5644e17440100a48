import { hash32, mix32, mixBlock } from "./seeded-random.ts";

/**
 * What a run did: a hash over all of it, and its last lines in words.
 *
 * Two runs of one seed must give one hash; the lines are for reading how a run failed.
 */
export class Trace {
  readonly #ring: string[] = [];
  readonly #capacity: number;
  #written = 0;
  #low = 0x6a09e667;
  #high = 0xbb67ae85;
  readonly #texts = new Map<string, number>();
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);

  /** @param capacity how many lines are kept; 0 keeps none */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** One event: its kind, place and time, and a number that tells it from others of its kind. */
  event(kind: string, host: string, time: number, value: number): void {
    this.#mixText(kind);
    this.#mixText(host);
    this.#mixNumber(time);
    this.#mixNumber(value);
    if (this.#capacity > 0) this.#write(`${time.toFixed(3)} ${host} ${kind} ${value}`);
  }

  /** Words of the test's own, or of a fault. */
  note(text: string, time: number): void {
    this.#mix(hash32(text, 0));
    this.#mixNumber(time);
    if (this.#capacity > 0) this.#write(`${time.toFixed(3)} ${text}`);
  }

  /** The last lines, oldest first. */
  lines(): string[] {
    const start = this.#written > this.#capacity ? this.#written % this.#capacity : 0;
    return [...this.#ring.slice(start), ...this.#ring.slice(0, start)];
  }

  /** Sixteen hexadecimal digits. */
  hash(): string {
    return hex(mix32(this.#low)) + hex(mix32(this.#high ^ this.#low));
  }

  #write(line: string): void {
    this.#ring[this.#written % this.#capacity] = line;
    this.#written++;
  }

  #mixText(text: string): void {
    let hash = this.#texts.get(text);
    if (hash === undefined) {
      hash = hash32(text, 0);
      this.#texts.set(text, hash);
    }
    this.#mix(hash);
  }

  #mixNumber(value: number): void {
    this.#float[0] = value;
    this.#mix(this.#words[0] as number);
    this.#mix(this.#words[1] as number);
  }

  #mix(word: number): void {
    this.#low = mixBlock(this.#low, word);
    this.#high = mixBlock(this.#high, word ^ this.#low);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
