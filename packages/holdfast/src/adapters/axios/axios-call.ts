import type { AxiosAdapter, AxiosError, AxiosResponse, InternalAxiosRequestConfig } from "axios";
import { RetriesExhaustedError, type CallContext, type Policy } from "../../resilience/index.ts";
import {
  HttpStatusError,
  idempotencyKey,
  isIdempotent,
  isOneTimeBody,
  ownFailure,
  SingleSend,
  statusErrorOf,
  type HttpClientSettings,
} from "../http-client/index.ts";
import { UnwantedBodies } from "./unwanted-bodies.ts";

/** An answer that is an error for the caller, and none for the policies: the service is well, the request is not. */
class RefusedRequest {
  readonly error: AxiosError;

  constructor(error: AxiosError) {
    this.error = error;
  }
}

/** One request of the caller, from the first call of its adapter to what the caller gets. */
export class AxiosCall {
  readonly #config: InternalAxiosRequestConfig;
  readonly #send: AxiosAdapter;
  readonly #settings: HttpClientSettings;
  readonly #repeatable: boolean;
  readonly #failed = new Map<HttpStatusError, AxiosError>();
  readonly #unwanted = new UnwantedBodies();

  constructor(config: InternalAxiosRequestConfig, send: AxiosAdapter, settings: HttpClientSettings) {
    this.#config = config;
    this.#send = send;
    this.#settings = settings;
    const harmless =
      settings.retryNonIdempotent || isIdempotent(config.method ?? "get") || config.headers.has(idempotencyKey);
    this.#repeatable = harmless && !isOneTimeBody(config.data);
  }

  async run(policy: Policy<unknown>): Promise<AxiosResponse> {
    const { cancelToken } = this.#config;
    const cancelled = (cancelToken as CancelTokenLike | undefined)?.toAbortSignal();
    const signals = [this.#signal, cancelled].filter((signal) => signal !== undefined);
    const sends = new SingleSend(this.#repeatable);
    try {
      const result = await policy.execute(
        (context) => sends.run(() => this.#attempt(context)),
        signals.length === 0
          ? {}
          : { signal: signals.length === 1 ? (signals[0] as AbortSignal) : AbortSignal.any(signals) },
      );
      if (result instanceof RefusedRequest) throw result.error;
      return isResponse(result) ? result : this.#answerWith(result);
    } catch (error) {
      const status = statusErrorOf(error);
      const failed = status && this.#failed.get(status);
      if (status !== undefined) this.#failed.delete(status);
      throw failed ?? callersError(error);
    } finally {
      this.#letGo();
      this.#unwanted.close();
      cancelled?.unsubscribe();
    }
  }

  /** A signal of another make is left to axios: an abort is seen by the attempt under way, or by the next. */
  get #signal(): AbortSignal | undefined {
    const { signal } = this.#config;
    return signal instanceof AbortSignal ? signal : undefined;
  }

  async #attempt(context: CallContext): Promise<AxiosResponse | RefusedRequest> {
    if (this.#letGo()) await this.#unwanted.drained();
    const config = this.#config;
    const own = this.#signal;
    // The scope follows the caller until the call has its result; the body, when it is a stream, is read after that.
    const signal = own === undefined ? context.signal : AbortSignal.any([context.signal, own]);
    const foreign = own === undefined && config.signal !== undefined && config.signal !== null;
    try {
      // Adapters change headers; each attempt starts from the same.
      const response = await this.#send({
        ...config,
        headers: config.headers.concat(),
        ...(foreign ? {} : { signal }),
      });
      response.config = config;
      return response;
    } catch (error) {
      // Axios has an error of its own for every abort, which hides whose it was.
      if (signal.aborted) throw signal.reason;
      return this.#judge(error);
    }
  }

  /** What failed because of the service, or on the way to it, is thrown; what the service answered is the result. */
  #judge(error: unknown): RefusedRequest {
    if (!isAxiosError(error)) throw error;
    error.config = this.#config;
    const { response } = error;
    if (response === undefined) throw error;
    response.config = this.#config;
    // The status was good, and the rest did not come.
    if (this.#config.validateStatus?.(response.status) ?? true) throw error;
    if (!this.#settings.isFailure(response.status)) return new RefusedRequest(error);
    const failure = new HttpStatusError({
      status: response.status,
      headers: response.headers as { readonly [name: string]: string },
      method: (this.#config.method ?? "get").toUpperCase(),
      url: `${this.#config.baseURL ?? ""}${this.#config.url ?? ""}`,
      retryable: this.#repeatable,
      response,
      cause: error,
    });
    this.#failed.set(failure, error);
    throw failure;
  }

  /** A fallback's value stands for the data of an answer. */
  #answerWith(data: unknown): AxiosResponse {
    return { data, status: 200, statusText: "fallback", headers: {}, config: this.#config };
  }

  /** Whether there was anything to let go of. */
  #letGo(): boolean {
    const { size } = this.#failed;
    for (const { response } of this.#failed.values()) this.#unwanted.add(response?.data);
    this.#failed.clear();
    return size > 0;
  }
}

interface CancelTokenLike {
  toAbortSignal(): AbortSignal & { unsubscribe(): void };
}

/** The request's own, or what a fallback got from another service. */
function isResponse(value: unknown): value is AxiosResponse {
  return typeof value === "object" && value !== null && ["status", "headers", "config"].every((name) => name in value);
}

/** By its mark, as axios does: also one of another copy of it. */
function isAxiosError(error: unknown): error is AxiosError {
  return (error as { readonly isAxiosError?: unknown } | null | undefined)?.isAxiosError === true;
}

/** An error of axios where one is behind it, because that is what callers of axios know. */
function callersError(error: unknown): unknown {
  const failure = error instanceof RetriesExhaustedError ? error.cause : error;
  const own = ownFailure(failure);
  return isAxiosError(own) ? own : ownFailure(error);
}
