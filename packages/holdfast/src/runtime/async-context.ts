import { AsyncLocalStorage } from "node:async_hooks";

/** A value that follows a line of work through everything it awaits. */
export interface AsyncContext<T> {
  /** Undefined outside of every `run`. */
  current(): T | undefined;
  /** Runs `work`, for which, with all that it begins, `value` is the current one; undefined for none. */
  run<R>(value: T | undefined, work: () => R): R;
}

/** A context of its own, kept by Node. */
export function asyncContext<T>(): AsyncContext<T> {
  const storage = new AsyncLocalStorage<T | undefined>();
  return {
    current: () => storage.getStore(),
    run: (value, work) => storage.run(value, work),
  };
}
