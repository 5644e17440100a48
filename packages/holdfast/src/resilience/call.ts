import { addAbortListener, removeAbortListener } from "./abort-listeners.ts";
import type { CallContext, ExecuteOptions, Operation } from "./policy.ts";

/**
 * One execution, as the stages of a pipeline see it, and the context that the operation gets.
 *
 * A stage that may cancel what it calls gives it a scope of its own (`scope`), so that cancelling one attempt leaves the
 * others alone. Nothing is allocated for a signal until somebody reads it.
 */
export class Call implements CallContext {
  readonly operation: Operation<unknown>;
  attempt: number;
  /** What the caller said about this execution; inner scopes carry it on. */
  readonly options: ExecuteOptions | undefined;
  readonly #outer: Call | AbortSignal | undefined;
  /** Whether this scope can be aborted by itself; otherwise its signal is the outer one's. */
  readonly #own: boolean;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #ended = false;
  #unlink: (() => void) | undefined;

  constructor(
    operation: Operation<unknown>,
    outer: Call | AbortSignal | undefined,
    own: boolean,
    attempt: number,
    options?: ExecuteOptions,
  ) {
    this.operation = operation;
    this.options = options;
    this.#outer = outer;
    this.#own = own;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (!this.#own && this.#outer !== undefined) {
      return this.#outer instanceof Call ? this.#outer.signal : this.#outer;
    }
    // A signal of its own also for a call that nobody can give up: on one shared by all, what operations forget to
    // unregister would pile up.
    this.#controller ??= this.#connect();
    return this.#controller.signal;
  }

  /** Whether this call was given up, here or further out. Asking makes no signal. */
  get aborted(): boolean {
    return this.#aborted !== undefined || this.#outer?.aborted === true;
  }

  /** Why it was given up; undefined while it was not. */
  get reason(): unknown {
    return this.#aborted === undefined ? this.#outer?.reason : this.#aborted.reason;
  }

  /** Listens for the abort until the function that it returns is called; nothing is made when nobody can abort. */
  onAbort(listener: () => void): (() => void) | undefined {
    if (!this.#own && this.#abortable() === undefined) return undefined;
    const signal = this.signal;
    addAbortListener(signal, listener);
    return () => removeAbortListener(signal, listener);
  }

  /** A scope inside this one: aborted with it, and alone by `abort`. Call `end` when what it was for is over. */
  scope(attempt: number = this.attempt): Call {
    return new Call(this.operation, this, true, attempt, this.options);
  }

  /** Cancels this scope; the caller and other scopes are not concerned. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    this.end();
  }

  /** Lets go of the outer signal, for good: nothing stays registered on a signal that lives longer than the call. */
  end(): void {
    this.#ended = true;
    this.#unlink?.();
    this.#unlink = undefined;
  }

  #connect(): AbortController {
    const controller = new AbortController();
    const outer = this.#abortable();
    if (this.#aborted !== undefined) controller.abort(this.#aborted.reason);
    else if (outer?.aborted) controller.abort(outer.reason);
    else if (outer !== undefined && !this.#ended) {
      const onAbort = (): void => controller.abort(outer.reason);
      addAbortListener(outer, onAbort);
      this.#unlink = () => removeAbortListener(outer, onAbort);
    }
    return controller;
  }

  /** The nearest signal outside this scope that can ever abort; none for calls that nobody outside can give up. */
  #abortable(): AbortSignal | undefined {
    const outer = this.#outer;
    if (!(outer instanceof Call)) return outer;
    return outer.#own ? outer.signal : outer.#abortable();
  }
}
