import { discardResult, type CallContext, type Policy } from "../../resilience/index.ts";
import {
  HttpStatusError,
  ownFailure,
  SingleSend,
  statusErrorOf,
  type HttpStreamSettings,
} from "../http-client/index.ts";
import { drainAnswer } from "./drain-answer.ts";
import type { RequestSource } from "./request-source.ts";
import type { Fetch } from "./resilient-fetch.ts";

/** One call of a resilient `fetch`, from the first attempt to what the caller gets. */
export class FetchCall {
  readonly #source: RequestSource;
  readonly #fetch: Fetch;
  readonly #settings: HttpStreamSettings;
  readonly #sends: SingleSend;
  /** Failed answers that nobody has let go of yet: all but one are never read. */
  readonly #held = new Set<HttpStatusError>();

  constructor(source: RequestSource, fetch: Fetch, settings: HttpStreamSettings) {
    this.#source = source;
    this.#fetch = fetch;
    this.#settings = settings;
    this.#sends = new SingleSend(source.repeatable);
  }

  async run<Fallback>(policy: Policy<Fallback>): Promise<Response | Fallback> {
    const { signal } = this.#source;
    try {
      return await policy.execute(
        (context) => this.#sends.run(() => this.#attempt(context)),
        signal === undefined ? {} : { signal },
      );
    } catch (error) {
      const status = statusErrorOf(error);
      // Not another call's: a policy may give an error that it kept.
      if (status === undefined || !this.#held.delete(status)) throw ownFailure(error);
      if (this.#settings.throwOnFailure) throw error;
      return status.response as Response;
    } finally {
      this.#letGo();
      this.#source.end();
    }
  }

  async #attempt(context: CallContext): Promise<Response> {
    this.#letGo();
    const source = this.#source;
    const signal = attemptSignal(context.signal, source.signal);
    const [input, init] = await source.attempt(signal);
    signal.throwIfAborted();
    const response = await this.#fetch(input, init);
    const { isFailure, drainBytes, drainMs, clock } = this.#settings;
    if (!isFailure(response.status)) return response;
    if (signal.aborted) {
      discardResult(response);
      throw signal.reason;
    }
    const error = new HttpStatusError({
      status: response.status,
      headers: response.headers,
      method: source.method,
      url: source.url,
      retryable: source.repeatable,
      response,
    });
    this.#held.add(error);
    await drainAnswer(response, { maxBytes: drainBytes, maxMs: drainMs, clock, signal });
    throw error;
  }

  #letGo(): void {
    for (const { response } of this.#held) discardResult(response);
    this.#held.clear();
  }
}

/**
 * What an attempt is aborted by: its scope, which a timeout or a lost hedge ends, and the caller. The scope follows the
 * caller only until the call has its result; the body is read after that, and the caller's abort must still reach it.
 * Combined signals hold what they follow weakly: nothing is registered on a signal that outlives the call.
 */
function attemptSignal(scope: AbortSignal, caller: AbortSignal | undefined): AbortSignal {
  return caller === undefined ? scope : AbortSignal.any([scope, caller]);
}
