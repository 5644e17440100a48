import type { Clock, Timer } from "../../runtime/system.ts";

/** Counts requests, and waits until none is left. */
export class RequestsInFlight {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /** Leaving twice counts once. */
  enter(): () => void {
    this.#count++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#count === 0) for (const done of this.#waiting) done();
    };
  }

  track<T>(work: () => T): T {
    const leave = this.enter();
    let result: T;
    try {
      result = work();
    } catch (error) {
      leave();
      throw error;
    }
    if (!isPromiseLike(result)) leave();
    else result.then(leave, leave);
    return result;
  }

  /** Resolves with how many are left: none, unless the time is over before. */
  untilNone(timeoutMs: number): Promise<number> {
    if (this.#count === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const done = (): void => {
        timer?.cancel();
        this.#waiting.delete(done);
        resolve(this.#count);
      };
      timer = this.#clock.setTimer(timeoutMs, done);
      this.#waiting.add(done);
    });
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
