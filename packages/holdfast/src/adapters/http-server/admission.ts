import type { CallContext, ExecuteOptions, Policy } from "../../resilience/index.ts";
import { RequestReplacedError } from "./response-error.ts";

/**
 * One request before a policy: it waits, is let in or is turned away, and ends once. While it is in, the policy's
 * operation is under way, so whatever the policy gives for it (a permit, a place, a probe) is out until the end.
 */
export class Admission {
  readonly #policy: Policy<unknown>;
  readonly #gone = new AbortController();
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();
  #state: "waiting" | "running" | "over" = "waiting";
  #context: CallContext | undefined;

  constructor(policy: Policy<unknown>) {
    this.#policy = policy;
  }

  /** Aborted when the client has gone, or a policy no longer wants the result. */
  get signal(): AbortSignal {
    return this.#context?.signal ?? this.#gone.signal;
  }

  /**
   * Calls one of the two: at once where the policy does not let the request wait, and in any case in the asynchronous
   * context of the caller; neither when the client goes while it waits.
   */
  begin(execution: Omit<ExecuteOptions, "signal">, onAdmitted: () => void, onRefused: (error: unknown) => void): void {
    let later: PromiseWithResolvers<void> | undefined;
    const operation = (context: CallContext): Promise<void> => {
      // A policy that tries again gets the end of the one request there is.
      if (this.#state === "waiting") {
        this.#state = "running";
        this.#context = context;
        later?.resolve();
      }
      return this.#end.promise;
    };
    const turnAway = (error: unknown): void => {
      if (this.#state !== "waiting") return;
      this.#state = "over";
      onRefused(error);
    };
    this.#policy.execute(operation, { ...execution, signal: this.#gone.signal }).then(() => {
      if (this.#is("waiting")) turnAway(new RequestReplacedError());
      return undefined;
    }, turnAway);
    if (this.#is("running")) onAdmitted();
    else {
      later = Promise.withResolvers();
      void later.promise.then(() => {
        // The client may have gone in between.
        if (this.#is("running")) onAdmitted();
        return undefined;
      });
    }
  }

  /** The same as a promise. @throws what the policy rejects with; an AbortError when the client goes while it waits */
  enter(execution: Omit<ExecuteOptions, "signal">): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gone.signal.addEventListener("abort", () => reject(this.#gone.signal.reason), { once: true });
      this.begin(execution, resolve, reject);
    });
  }

  succeed(): void {
    if (this.#leave()) this.#end.resolve();
  }

  /** Policies see `error`. */
  fail(error: unknown): void {
    if (this.#leave()) this.#end.reject(error);
  }

  /** The client has gone: nobody's failure. */
  abandon(): void {
    const reason = new DOMException("the client has gone", "AbortError");
    // Before all else: a failure of a call that was given up is none.
    this.#gone.abort(reason);
    if (this.#leave()) this.#end.reject(reason);
  }

  /** Whether it was in until now. One that ends while it waits gives up its place in the queue. */
  #leave(): boolean {
    const before = this.#state;
    this.#state = "over";
    if (before === "waiting") this.#gone.abort(new DOMException("the request was answered elsewhere", "AbortError"));
    return before === "running";
  }

  #is(state: "waiting" | "running" | "over"): boolean {
    return this.#state === state;
  }
}
