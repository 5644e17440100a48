import { AsyncResource } from "node:async_hooks";
import type { FaultedTime } from "./faulted-time.ts";

/** Taken when this is loaded: before anything is patched. */
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;

const maxDelayMs = 2 ** 31 - 1;
/** Node's timers may come due so much before the clock says so. */
const earlyMs = 1;

export type Callback = (...args: readonly unknown[]) => unknown;

/** A timer on faulted time, with all that Node's has: it moves when the clock changes its pace. */
export class FaultableTimeout {
  /** Those that will come due. */
  static readonly pending: Set<FaultableTimeout> = new Set();
  static readonly #byId = new Map<number, FaultableTimeout>();
  /** Far from the numbers of Node's own. */
  static #lastId = 2 ** 40;

  readonly #time: FaultedTime;
  readonly #callback: Callback;
  readonly #args: readonly unknown[];
  readonly #delayMs: number;
  readonly #repeats: boolean;
  readonly #resource = new AsyncResource("Timeout");
  #real: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #isRef = true;
  #id: number | undefined;

  constructor(time: FaultedTime, callback: Callback, delay: unknown, args: readonly unknown[], repeats: boolean) {
    const delayMs = Number(delay);
    this.#time = time;
    this.#callback = callback;
    this.#delayMs = delayMs >= 1 && delayMs <= maxDelayMs ? delayMs : 1;
    this.#args = args;
    this.#repeats = repeats;
    this.refresh();
  }

  static byId(id: unknown): FaultableTimeout | undefined {
    return FaultableTimeout.#byId.get(Number(id));
  }

  /** Asks the clock again how long each has to wait. */
  static moveAll(): void {
    for (const timer of FaultableTimeout.pending) timer.#wait();
  }

  refresh(): this {
    if (!FaultableTimeout.pending.has(this) && this.#real !== undefined) return this;
    this.#dueMs = this.#time.mono() + this.#delayMs;
    FaultableTimeout.pending.add(this);
    this.#wait(this.#time.rate === 1 ? this.#delayMs : undefined);
    return this;
  }

  ref(): this {
    this.#isRef = true;
    this.#real?.ref();
    return this;
  }

  unref(): this {
    this.#isRef = false;
    this.#real?.unref();
    return this;
  }

  hasRef(): boolean {
    return this.#isRef && FaultableTimeout.pending.has(this);
  }

  close(): this {
    FaultableTimeout.pending.delete(this);
    if (this.#id !== undefined) FaultableTimeout.#byId.delete(this.#id);
    realClearTimeout(this.#real);
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.toPrimitive](): number {
    this.#id ??= ++FaultableTimeout.#lastId;
    FaultableTimeout.#byId.set(this.#id, this);
    return this.#id;
  }

  #wait(leftMs: number = (this.#dueMs - this.#time.mono()) / this.#time.rate): void {
    realClearTimeout(this.#real);
    // A clock that stands still is asked again when it goes on; until then the timer keeps the process alive.
    const waitMs = Number.isNaN(leftMs) ? maxDelayMs : Math.min(maxDelayMs, Math.max(1, leftMs));
    this.#real = realSetTimeout(() => this.#fire(), waitMs);
    if (!this.#isRef) this.#real.unref();
  }

  #fire(): void {
    if (!this.#time.isReal && this.#dueMs - this.#time.mono() > earlyMs) {
      this.#wait();
      return;
    }
    if (this.#repeats) {
      // The next one waits from here on; what the callback takes counts for it, and it may end it.
      this.#dueMs = this.#time.mono() + this.#delayMs;
      this.#wait(this.#time.rate === 1 ? this.#delayMs : undefined);
    } else {
      FaultableTimeout.pending.delete(this);
      this.#real = undefined;
      if (this.#id !== undefined) FaultableTimeout.#byId.delete(this.#id);
    }
    this.#resource.runInAsyncScope(this.#callback, this, ...this.#args);
  }
}
