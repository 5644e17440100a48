import { addAbortListener, removeAbortListener } from "./abort-listeners.ts";
import type { CallContext, ExecuteOptions, Operation } from "./policy.ts";

/**
 * One execution, as the stages of a pipeline see it, and the context that the operation gets.
 *
 * A stage that may cancel what it calls gives it a scope of its own (`ScopedCall`), so that cancelling one attempt leaves
 * the others alone. Nothing is allocated for a signal until somebody reads it.
 */
export class Call implements CallContext {
  readonly operation: Operation<unknown>;
  attempt: number;
  /** What the caller said about this execution; inner calls carry it on. */
  readonly options: ExecuteOptions | undefined;
  protected readonly outer: Call | AbortSignal | undefined;
  protected controller: AbortController | undefined;

  constructor(
    operation: Operation<unknown>,
    outer: Call | AbortSignal | undefined,
    attempt: number,
    options?: ExecuteOptions,
  ) {
    this.operation = operation;
    this.outer = outer;
    this.attempt = attempt;
    this.options = options;
  }

  get signal(): AbortSignal {
    const { outer } = this;
    if (outer !== undefined) return outer instanceof Call ? outer.signal : outer;
    // A signal of its own also for a call that nobody can give up: on one shared by all, what operations forget to
    // unregister would pile up.
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  /** Whether this call was given up, here or further out. Asking makes no signal. */
  get aborted(): boolean {
    return this.outer?.aborted === true;
  }

  /** Why it was given up; undefined while it was not. */
  get reason(): unknown {
    return this.outer?.reason;
  }

  /** Whether anybody can give this call up, here or further out. */
  get abortable(): boolean {
    return this.outer instanceof Call ? this.outer.abortable : this.outer !== undefined;
  }

  /** Listens for the abort until the function that it returns is called; nothing is made when nobody can abort. */
  onAbort(listener: () => void): (() => void) | undefined {
    if (!this.abortable) return undefined;
    const { signal } = this;
    addAbortListener(signal, listener);
    return () => removeAbortListener(signal, listener);
  }
}

/** Stands for the reason of a scope that was not aborted by itself. */
const none = Symbol("none");

/** A call inside another: aborted with it, and alone by `abort`. Call `end` when what it was for is over. */
export class ScopedCall extends Call {
  #reason: unknown = none;
  #ended = false;
  #unlink: (() => void) | undefined;

  override get signal(): AbortSignal {
    this.controller ??= this.#connect();
    return this.controller.signal;
  }

  override get aborted(): boolean {
    return this.#reason !== none || super.aborted;
  }

  override get reason(): unknown {
    return this.#reason === none ? super.reason : this.#reason;
  }

  override get abortable(): boolean {
    return true;
  }

  /** Cancels this scope; the caller and other scopes are not concerned. */
  abort(reason: unknown): void {
    if (this.#reason !== none) return;
    this.#reason = reason;
    this.controller?.abort(reason);
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
    if (this.aborted) controller.abort(this.reason);
    else if (!this.#ended) {
      const abort = (): void => controller.abort(super.reason);
      // Nothing is around work that several calls wait for.
      if (this.outer instanceof Call) this.#unlink = this.outer.onAbort(abort);
    }
    return controller;
  }
}
