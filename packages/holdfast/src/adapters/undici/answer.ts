import type { Dispatcher } from "undici";

type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

interface Receiver {
  readonly handler: Dispatcher.DispatchHandler;
  readonly controller: Controller;
}

/** Where the body has ended: with trailers, or because it broke off. */
type End = { readonly trailers: Headers } | { readonly error: Error };

/** Thrown at a connection whose answer nobody wants. */
class AnswerDroppedError extends Error {
  override readonly name: string = "AnswerDroppedError";
}

/** How much of a body is kept before its connection is paused: a short one is whole by then, and no pause is paid for. */
const keptBytes = 65_536;

/**
 * An answer whose headers have come. What comes of its body before somebody takes it is kept, up to a bound; what is under
 * way when the connection pauses there still comes. Passed on, it is a stream again; disposed, it gives its connection up.
 */
export class Answer implements Disposable {
  readonly status: number;
  readonly headers: Headers;
  readonly #message: string | undefined;
  readonly #controller: Controller;
  readonly #maxKept: number;
  #chunks: Buffer[] = [];
  #kept = 0;
  #end: End | undefined;
  #receiver: Receiver | undefined;

  /** It may keep `maxKept` bytes, where that is more than usual. */
  constructor(
    controller: Controller,
    status: number,
    headers: Headers,
    message: string | undefined,
    maxKept: number = keptBytes,
  ) {
    this.#controller = controller;
    this.#maxKept = Math.max(keptBytes, maxKept);
    this.status = status;
    this.headers = headers;
    this.#message = message;
  }

  /** Gives the caller all there is, and from now on what comes. */
  passOn(handler: Dispatcher.DispatchHandler, controller: Controller & { target: Controller }): void {
    const own = this.#controller;
    controller.target = own;
    try {
      handler.onResponseStart?.(controller, this.status, this.headers, this.#message);
      for (const chunk of this.#chunks.splice(0)) handler.onResponseData?.(controller, chunk);
    } catch (error) {
      // As undici does with a handler that throws.
      own.abort(error as Error);
      throw error;
    }
    this.#receiver = { handler, controller };
    if (this.#end !== undefined) this.#tellEnd(this.#receiver, this.#end);
    else if (!controller.paused) own.resume();
  }

  [Symbol.dispose](): void {
    this.#chunks = [];
    if (this.#end !== undefined || this.#receiver !== undefined) return;
    this.#end = { error: new AnswerDroppedError("the answer is not wanted any more") };
    this.#controller.abort(this.#end.error);
  }

  onData(chunk: Buffer): void {
    if (this.#receiver !== undefined) this.#receiver.handler.onResponseData?.(this.#receiver.controller, chunk);
    else {
      this.#chunks.push(chunk);
      this.#kept += chunk.byteLength;
      if (this.#kept > this.#maxKept) this.#controller.pause();
    }
  }

  /** The body has ended. */
  finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (this.#receiver !== undefined) this.#tellEnd(this.#receiver, end);
  }

  #tellEnd({ handler, controller }: Receiver, end: End): void {
    if ("error" in end) handler.onResponseError?.(controller, end.error);
    else handler.onResponseEnd?.(controller, end.trailers);
  }
}
