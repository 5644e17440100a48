import type { Dispatcher } from "undici";
import { discardResult, type CallContext, type Policy } from "../../resilience/index.ts";
import {
  bufferBody,
  HttpStatusError,
  idempotencyKey,
  isIdempotent,
  isOneTimeBody,
  ownFailure,
  SingleSend,
  statusErrorOf,
  type HttpStreamSettings,
} from "../http-client/index.ts";
import { Answer } from "./answer.ts";
import { AttemptHandler } from "./attempt-handler.ts";
import { CallController } from "./call-controller.ts";
import { hasHeader } from "./request-headers.ts";
import { NoAnswerError } from "./no-answer-error.ts";

/** One request of the caller, from the first attempt to the answer that is passed on. */
export class DispatchCall {
  readonly #dispatch: Dispatcher.Dispatch;
  readonly #request: Dispatcher.DispatchOptions;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #settings: HttpStreamSettings;
  readonly #controller = new CallController();
  /** Answers that nobody has let go of yet: at most one of them is passed on. */
  readonly #answers = new Set<Answer>();
  readonly #failed = new Map<HttpStatusError, Answer>();

  constructor(
    dispatch: Dispatcher.Dispatch,
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    settings: HttpStreamSettings,
  ) {
    this.#dispatch = dispatch;
    this.#request = request;
    this.#handler = handler;
    this.#settings = settings;
  }

  /** Tells the handler everything; never rejects. */
  async run(policy: Policy<unknown>): Promise<void> {
    const controller = this.#controller;
    try {
      // At once, and not with the first connection: so the caller can give up while it waits for that, or for a retry.
      this.#handler.onRequestStart?.(controller, undefined);
      const answer = await this.#ask(policy);
      controller.signal.throwIfAborted();
      answer.passOn(this.#handler, controller);
    } catch (error) {
      this.#handler.onResponseError?.(controller, error as Error);
    } finally {
      this.#letGo(this.#failed);
      this.#letGo(this.#answers);
    }
  }

  async #ask(policy: Policy<unknown>): Promise<Answer> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    const request = await this.#replayable(signal);
    const repeatable = this.#isHarmless() && !isOneTimeBody(request.body);
    const sends = new SingleSend(repeatable);
    try {
      const answer = await policy.execute((context) => sends.run(() => this.#attempt(request, repeatable, context)), {
        signal,
      });
      if (!(answer instanceof Answer) || !this.#answers.has(answer)) throw new NoAnswerError();
      return answer;
    } catch (error) {
      const status = statusErrorOf(error);
      const failed = status && this.#failed.get(status);
      // No answer of this request, or one that was let go.
      if (failed === undefined || this.#settings.throwOnFailure) throw ownFailure(error);
      return failed;
    }
  }

  async #attempt(request: Dispatcher.DispatchOptions, repeatable: boolean, context: CallContext): Promise<Answer> {
    this.#letGo(this.#failed);
    const attempt = new AttemptHandler(this.#handler, this.#controller, this.#settings);
    const answer = await attempt.run((handler) => this.#dispatch(request, handler), context.signal);
    if (context.signal.aborted) {
      discardResult(answer);
      throw context.signal.reason;
    }
    if (!this.#settings.isFailure(answer.status)) {
      this.#answers.add(answer);
      return answer;
    }
    const error = new HttpStatusError({
      status: answer.status,
      headers: answer.headers,
      method: request.method,
      url: `${String(request.origin ?? "")}${request.path}`,
      retryable: repeatable,
      response: undefined,
    });
    this.#failed.set(error, answer);
    throw error;
  }

  #isHarmless(): boolean {
    const { method, idempotent, headers } = this.#request;
    if (this.#settings.retryNonIdempotent || idempotent === true) return true;
    return isIdempotent(method) || hasHeader(headers, idempotencyKey);
  }

  async #replayable(signal: AbortSignal): Promise<Dispatcher.DispatchOptions> {
    const { body } = this.#request;
    const { bufferBodyBytes } = this.#settings;
    if (bufferBodyBytes === 0 || !isOneTimeBody(body)) return this.#request;
    const buffered = await bufferBody(body, bufferBodyBytes, signal);
    return { ...this.#request, body: (buffered.whole ? buffered.bytes : buffered.rest) as Uint8Array };
  }

  /** What was passed on is the caller's, and knows it. */
  #letGo(answers: Set<Answer> | Map<unknown, Answer>): void {
    for (const answer of answers.values()) discardResult(answer);
    answers.clear();
  }
}
