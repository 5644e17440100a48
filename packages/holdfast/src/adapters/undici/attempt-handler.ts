import type { Dispatcher } from "undici";
import type { HttpStreamSettings } from "../http-client/index.ts";
import { Answer } from "./answer.ts";

type Handler = Required<Dispatcher.DispatchHandler>;
type Controller = Dispatcher.DispatchController;

/**
 * Receives what one attempt brings, in place of the caller's handler: an answer, as soon as its headers have come. Of one
 * that failed, the body is read a little way first, so that a short one leaves its connection free.
 */
export class AttemptHandler implements Dispatcher.DispatchHandler {
  readonly #caller: Dispatcher.DispatchHandler;
  readonly #callerController: Controller;
  readonly #settings: HttpStreamSettings;
  readonly #result = Promise.withResolvers<Answer>();
  #controller: Controller | undefined;
  #answer: Answer | undefined;
  /** Bytes that may still be read of a failed answer; 0 when none are read ahead. */
  #drainable = 0;
  #stopDrain: (() => void) | undefined;
  #aborted: { readonly reason: Error } | undefined;

  constructor(caller: Dispatcher.DispatchHandler, callerController: Controller, settings: HttpStreamSettings) {
    this.#caller = caller;
    this.#callerController = callerController;
    this.#settings = settings;
  }

  /** `signal` ends the attempt until it has its answer, and means nothing to the body. */
  async run(dispatch: (handler: Dispatcher.DispatchHandler) => unknown, signal: AbortSignal): Promise<Answer> {
    const onAbort = (): void => this.#abort(signal.reason as Error);
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      dispatch(this);
      return await this.#result.promise;
    } finally {
      this.#stopDrain?.();
      signal.removeEventListener("abort", onAbort);
    }
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#aborted !== undefined) controller.abort(this.#aborted.reason);
  }

  onResponseStarted(): void {
    this.#caller.onResponseStarted?.();
  }

  onBodySent(chunk: Buffer): void {
    this.#caller.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#caller.onRequestSent?.();
  }

  onResponseStart(...[controller, status, headers, message]: Parameters<Handler["onResponseStart"]>): void {
    // Early hints and the like, of whichever attempt: the answer is still to come.
    if (status < 200) {
      this.#caller.onResponseStart?.(this.#callerController, status, headers, message);
      return;
    }
    const { isFailure, drainBytes, drainMs, clock } = this.#settings;
    const answer = new Answer(controller, status, headers, message, drainBytes);
    this.#answer = answer;
    if (drainBytes === 0 || !isFailure(status)) {
      this.#settle(answer);
      return;
    }
    this.#drainable = drainBytes;
    const timer = clock.setTimer(drainMs, () => this.#give(answer));
    this.#stopDrain = () => timer.cancel();
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    const answer = this.#answer as Answer;
    answer.onData(chunk);
    if (this.#drainable === 0) return;
    this.#drainable = Math.max(0, this.#drainable - chunk.byteLength);
    if (this.#drainable === 0) this.#give(answer);
  }

  onResponseEnd(...[, trailers]: Parameters<Handler["onResponseEnd"]>): void {
    const answer = this.#answer as Answer;
    answer.finish({ trailers });
    this.#settle(answer);
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#answer?.finish({ error });
    if (this.#answer === undefined) this.#result.reject(error);
    else this.#settle(this.#answer);
  }

  /** The rest of its body waits until somebody takes it. */
  #give(answer: Answer): void {
    this.#controller?.pause();
    this.#settle(answer);
  }

  #settle(answer: Answer): void {
    this.#drainable = 0;
    this.#result.resolve(answer);
  }

  #abort(reason: Error): void {
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    // A request that waits for a connection is told of the abort only when it has one.
    this.#result.reject(reason);
  }
}
