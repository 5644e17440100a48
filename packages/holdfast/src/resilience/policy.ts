/** What an operation is told about the call it serves. */
export interface CallContext {
  /**
   * Aborted when the result is no longer wanted: the caller gave up, a timeout passed, another hedge won. Made when it
   * is first read; who never reads it pays nothing for it.
   */
  readonly signal: AbortSignal;
  /** 1 for the first try, one more for each retry or hedge. */
  readonly attempt: number;
}

/** What a policy protects. It may be called more than once; what it throws, sooner or later, is its failure. */
export type Operation<T> = (context: CallContext) => PromiseLike<T> | T;

export interface ExecuteOptions {
  /** Gives the call up: the promise rejects with `signal.reason`, whatever was being waited for. */
  readonly signal?: AbortSignal;
  /** Who goes first where calls queue (bulkhead): the higher number. An integer, default 0. */
  readonly priority?: number;
  /** Whose call it is, where a queue is shared fairly (bulkhead): keys of one priority take turns. Default "". */
  readonly key?: string;
}

/** The key of a member that is there for types alone. */
export declare const answer: unique symbol;

/**
 * Something that executes operations more safely. `Fallback` is what it may answer besides the operation's own result;
 * `never` for policies that only ever give that or reject.
 */
export interface Policy<Fallback = never> {
  /** Never there: tells `Fallback` to types, which cannot infer it from `execute` when a policy has more members. */
  readonly [answer]?: () => Fallback;
  /** @throws whatever the operation throws, the policy's own rejection, or the signal's reason */
  execute<T>(operation: Operation<T>, options?: ExecuteOptions): Promise<T | Fallback>;
  /** The same function, or method, protected: each call of it is one execution. As a standard decorator, `@policy.wrap`. */
  wrap<Arguments extends readonly unknown[], T>(
    fn: (...args: Arguments) => PromiseLike<T> | T,
  ): (...args: Arguments) => Promise<T | Fallback>;
}
