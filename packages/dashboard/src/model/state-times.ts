/** Since when something is in its state. */
export interface StateTime {
  readonly atMs: number;
  /** It was so before anybody looked. */
  readonly isLonger: boolean;
}

/** Remembers since when each of several things is in the state it is in. */
export class StateTimes {
  #known = new Map<string, StateTime & { readonly state: string }>();
  #hasLooked = false;

  /** What is there now, and only that, with its state. */
  look(states: Iterable<readonly [name: string, state: string]>, atMs: number): void {
    const now = new Map<string, StateTime & { readonly state: string }>();
    for (const [name, state] of states) {
      const before = this.#known.get(name);
      const isNew = before === undefined && !this.#hasLooked;
      now.set(name, before?.state === state ? before : { state, atMs, isLonger: isNew });
    }
    this.#known = now;
    this.#hasLooked ||= now.size > 0;
  }

  of(name: string): StateTime | null {
    return this.#known.get(name) ?? null;
  }

  clear(): void {
    this.#known.clear();
    this.#hasLooked = false;
  }
}
