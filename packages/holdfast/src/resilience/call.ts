import type { CallContext, Operation } from "./policy.ts";

/** Something that never happens, for calls that nobody can give up. */
const never: AbortSignal = new AbortController().signal;

/**
 * One execution, as the stages of a pipeline see it, and the context that the operation gets.
 *
 * A stage that may cancel what it calls gives it a scope of its own (`scope`), so that cancelling one attempt leaves the
 * others alone. Nothing is allocated for a signal until somebody reads it.
 */
export class Call implements CallContext {
  readonly operation: Operation<unknown>;
  attempt: number;
  readonly #outer: Call | AbortSignal | undefined;
  /** Whether this scope can be aborted by itself; otherwise its signal is the outer one's. */
  readonly #own: boolean;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #unlink: (() => void) | undefined;

  constructor(operation: Operation<unknown>, outer: Call | AbortSignal | undefined, own: boolean, attempt: number) {
    this.operation = operation;
    this.#outer = outer;
    this.#own = own;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    const outer = this.#outer;
    if (!this.#own) return outer === undefined ? never : outer instanceof Call ? outer.signal : outer;
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.#aborted !== undefined) controller.abort(this.#aborted.reason);
      else if (outer !== undefined) this.#follow(outer instanceof Call ? outer.signal : outer, controller);
    }
    return this.#controller.signal;
  }

  /** A scope inside this one: aborted with it, and alone by `abort`. Call `end` when what it was for is over. */
  scope(attempt: number = this.attempt): Call {
    return new Call(this.operation, this, true, attempt);
  }

  /** Cancels this scope; the caller and other scopes are not concerned. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    this.end();
  }

  /** Lets go of the outer signal: nothing stays registered on a signal that lives longer than the call. */
  end(): void {
    this.#unlink?.();
    this.#unlink = undefined;
  }

  #follow(signal: AbortSignal, controller: AbortController): void {
    if (signal === never) return;
    if (signal.aborted) {
      controller.abort(signal.reason);
      return;
    }
    const onAbort = (): void => controller.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#unlink = () => signal.removeEventListener("abort", onAbort);
  }
}
