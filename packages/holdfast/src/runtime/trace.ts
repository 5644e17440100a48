import { hash32, mix32, mixBlock } from "./seeded-random.ts";

/**
 * What a run did: a hash over all of it, and its last lines in words.
 *
 * Two runs of one seed must give one hash; the lines are for reading how a run failed.
 */
export class Trace {
  /** Rings of what lines are made of, because words cost more than the event they tell of. */
  readonly #kinds: string[] = [];
  readonly #hosts: string[] = [];
  readonly #times: number[] = [];
  readonly #values: number[] = [];
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
    this.#keep(kind, host, time, value);
  }

  /** Words of the test's own, or of a fault. */
  note(text: string, time: number): void {
    this.#mix(hash32(text, 0));
    this.#mixNumber(time);
    this.#keep(text, "", time, 0);
  }

  /** The last lines, oldest first. */
  lines(): string[] {
    const lines: string[] = [];
    for (let at = Math.max(0, this.#written - this.#capacity); at < this.#written; at++) {
      const slot = at % this.#capacity;
      const words = [(this.#times[slot] as number).toFixed(3), this.#hosts[slot], this.#kinds[slot]];
      if (this.#values[slot] !== 0) words.push(String(this.#values[slot]));
      lines.push(words.filter((word) => word !== "").join(" "));
    }
    return lines;
  }

  /** Sixteen hexadecimal digits. */
  hash(): string {
    return hex(mix32(this.#low)) + hex(mix32(this.#high ^ this.#low));
  }

  #keep(kind: string, host: string, time: number, value: number): void {
    if (this.#capacity === 0) return;
    const slot = this.#written++ % this.#capacity;
    this.#kinds[slot] = kind;
    this.#hosts[slot] = host;
    this.#times[slot] = time;
    this.#values[slot] = value;
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
