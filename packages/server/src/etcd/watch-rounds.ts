/** What a pull costs, about, with what it brings: to be worth a thousand of them, ten milliseconds must have something to tell. */
const msPerPull = 0.01;
const maxWaitMs = 10;

/**
 * When watches are asked for more. All watches of the process are asked in rounds, and the more there were in the last
 * round, the longer the next one waits: what happens meanwhile is told at once, in messages that watchers share. A watch
 * that is waiting already is told at once, whatever the rounds do.
 */
export class WatchRounds {
  #waiting: (() => void)[] = [];
  #size = 0;
  #lastSize = 0;
  #scheduled = false;

  /** Calls back in the next round, to ask so many watches. */
  add(watches: number, pull: () => void): void {
    this.#waiting.push(pull);
    this.#size += watches;
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waitMs = Math.min(maxWaitMs, this.#lastSize * msPerPull);
    if (waitMs < 1) setImmediate(() => this.#run());
    else setTimeout(() => this.#run(), waitMs);
  }

  #run(): void {
    const pulls = this.#waiting;
    this.#waiting = [];
    this.#scheduled = false;
    this.#lastSize = this.#size;
    this.#size = 0;
    for (const pull of pulls) pull();
  }
}

/** One for the process: what it spares is the event loop, and there is one. */
export const watchRounds: WatchRounds = new WatchRounds();
