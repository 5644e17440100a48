import type { Random } from "holdfast/runtime";

/** A write that nobody knows of may take effect at any time later: each doubles what there is to look at. */
const mostUnknown = 12;

/** The keys that all clients write and read. One of which too much is unknown gives way to another. */
export class SharedKeys {
  /** Every key that was ever in use. */
  readonly all: string[] = [];
  readonly #current: string[] = [];
  readonly #unknown = new Map<string, number>();

  constructor(count: number) {
    for (let at = 0; at < count; at++) this.#add(at, `key${at}`);
  }

  draw(random: Random): string {
    return this.#current[random.integer(0, this.#current.length - 1)]!;
  }

  /** Nobody knows what became of a write. */
  onUnknown(key: string): void {
    const unknown = (this.#unknown.get(key) ?? 0) + 1;
    this.#unknown.set(key, unknown);
    const at = this.#current.indexOf(key);
    if (at >= 0 && unknown >= mostUnknown) this.#add(at, `key${at}.${this.all.length}`);
  }

  #add(at: number, key: string): void {
    this.#current[at] = key;
    this.all.push(key);
  }
}
