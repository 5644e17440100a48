/** Counts who holds something: only the first takes it, and only the last gives it back. */
export class HoldCount {
  readonly #holders = new Map<string, number>();

  /** Whether this is the first. */
  hold(name: string): boolean {
    const before = this.#holders.get(name) ?? 0;
    this.#holders.set(name, before + 1);
    return before === 0;
  }

  /** Whether this was the last. */
  release(name: string): boolean {
    const left = (this.#holders.get(name) ?? 0) - 1;
    if (left > 0) this.#holders.set(name, left);
    else this.#holders.delete(name);
    return left === 0;
  }
}
