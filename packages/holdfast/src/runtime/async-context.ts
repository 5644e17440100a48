import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";

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

/** Whose work this is: what all that follow a line of work hold here, for what is begun later and from elsewhere. */
export interface WorkContext {
  /** Runs `work` as if it had been begun where the context was taken. */
  runInAsyncScope<R>(work: () => R): R;
}

/** The context here. What a shared timer or another call's end begins would else belong to whoever armed or ended that. */
export function takeContext(): WorkContext {
  return new AsyncResource("holdfast");
}

/** Taken where this module is loaded, which as a rule is before there is any work. */
const nobodys = takeContext();

/** Runs `work` as nobody's: what goes on long after whoever began it is over is no part of that, nor of its trace. */
export function runAsNobodys<R>(work: () => R): R {
  return nobodys.runInAsyncScope(work);
}
