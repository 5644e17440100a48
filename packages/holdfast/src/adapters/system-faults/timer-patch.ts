import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";
import { FaultableTimeout, type Callback } from "./faultable-timeout.ts";
import type { FaultedTime } from "./faulted-time.ts";

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

/** Puts the timers of the program on faulted time: those of the globals, of `node:timers` and its promises, and `AbortSignal.timeout`. */
export function patchTimers(time: FaultedTime): void {
  const real = { setTimeout: timers.setTimeout, clearTimeout: timers.clearTimeout };
  const make = (callback: unknown, delay: unknown, args: readonly unknown[], repeats: boolean): FaultableTimeout => {
    // Node says what is wrong with it.
    if (typeof callback !== "function") real.setTimeout(callback as () => void);
    return new FaultableTimeout(time, callback as Callback, delay, args, repeats);
  };
  const setTimeout = (callback: unknown, delay?: unknown, ...args: unknown[]): FaultableTimeout =>
    make(callback, delay, args, false);
  const setInterval = (callback: unknown, delay?: unknown, ...args: unknown[]): FaultableTimeout =>
    make(callback, delay, args, true);
  const clear = (timer?: unknown): void => {
    if (timer instanceof FaultableTimeout) timer.close();
    else if (FaultableTimeout.byId(timer) !== undefined) FaultableTimeout.byId(timer)?.close();
    // Timers that Node itself made.
    else real.clearTimeout(timer as NodeJS.Timeout);
  };

  const wait = <T>(delay?: number, value?: T, options: WaitOptions = {}): Promise<T> => {
    const { signal, ref = true } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(aborted(signal));
        return;
      }
      const finish = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve(value as T);
      };
      const timer = setTimeout(finish, delay);
      const abort = (): void => {
        timer.close();
        reject(aborted(signal!));
      };
      signal?.addEventListener("abort", abort, { once: true });
      if (!ref) timer.unref();
    });
  };
  async function* every<T>(delay?: number, value?: T, options: WaitOptions = {}): AsyncGenerator<T> {
    const { signal, ref = true } = options;
    let due = 0;
    let wake = (): void => undefined;
    // Goes on while whoever asks is busy: what came due meanwhile is not lost.
    const timer = setInterval(() => {
      due++;
      wake();
    }, delay);
    if (!ref) timer.unref();
    const abort = (): void => wake();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      for (;;) {
        if (due > 0) {
          due--;
          yield value as T;
        } else if (signal?.aborted === true) throw aborted(signal);
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      timer.close();
      signal?.removeEventListener("abort", abort);
    }
  }
  Object.defineProperty(setTimeout, promisify.custom, { value: wait, enumerable: true });

  const patched = { setTimeout, setInterval, clearTimeout: clear, clearInterval: clear };
  Object.assign(globalThis, patched);
  Object.assign(timers, patched);
  Object.assign(timersPromises, { setTimeout: wait, setInterval: every });
  Object.defineProperty(timersPromises.scheduler, "wait", {
    value: (delay?: number, options?: WaitOptions) => wait(delay, undefined, options),
    configurable: true,
  });
  const realTimeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (delay) => {
    // Node says what is wrong with it.
    if (!Number.isInteger(delay) || delay < 0) return realTimeout(delay);
    const controller = new AbortController();
    const late = (): void => controller.abort(new DOMException("The operation timed out", "TimeoutError"));
    setTimeout(late, delay).unref();
    return controller.signal;
  };
  // What the program imports by name has them, too: it is loaded after this.
  syncBuiltinESMExports();
}

const abortCode = "ABORT_ERR";

/** As Node rejects what is aborted. */
function aborted(signal: AbortSignal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  return Object.assign(error, { name: "AbortError", code: abortCode });
}
