import { bufferBody, idempotencyKey, isIdempotent, isOneTimeBody } from "../http-client/index.ts";

/** What `fetch` takes as a body, as text of its own: the platform's types have no name for it everywhere. */
export type RequestBody = Exclude<RequestInit["body"], undefined>;

/** `fetch`'s init; the body may also be a function, which is called for each attempt. */
export interface ResilientRequestInit extends Omit<RequestInit, "body"> {
  readonly body?: RequestBody | (() => RequestBody | PromiseLike<RequestBody>);
}

export interface RequestSourceOptions {
  readonly retryNonIdempotent: boolean;
  readonly bufferBodyBytes: number;
}

/** The request of one call, of which each attempt gets its own. */
export class RequestSource {
  readonly method: string;
  readonly url: string;
  /** The caller's; undefined when there is none. */
  readonly signal: AbortSignal | undefined;
  /** Whether the request may be sent more than once, by its method and by its body. */
  readonly repeatable: boolean;
  readonly #input: string | URL | Request;
  readonly #init: ResilientRequestInit;
  readonly #body: ResilientRequestInit["body"];
  #copied = false;

  private constructor(
    input: string | URL | Request,
    init: ResilientRequestInit,
    options: RequestSourceOptions,
    body: ResilientRequestInit["body"],
  ) {
    const request = isRequest(input) ? input : undefined;
    this.#input = input;
    this.#init = init;
    this.#body = body;
    this.method = (init.method ?? request?.method ?? "GET").toUpperCase();
    this.url = request?.url ?? (input as string | URL).toString();
    this.signal = callersSignal(input, init);
    const headers = new Headers(init.headers ?? request?.headers);
    const harmless = isIdempotent(this.method) || headers.has(idempotencyKey) || options.retryNonIdempotent;
    this.repeatable = harmless && !isOneTimeBody(body);
  }

  /**
   * @throws what reading a body that is to be buffered throws, and the reason of the caller's signal
   */
  static async open(
    input: string | URL | Request,
    init: ResilientRequestInit,
    options: RequestSourceOptions,
  ): Promise<RequestSource> {
    let { body } = init;
    if (options.bufferBodyBytes > 0 && isOneTimeBody(body)) {
      const buffered = await bufferBody(body, options.bufferBodyBytes, callersSignal(input, init));
      body = (buffered.whole ? buffered.bytes : buffered.rest) as RequestBody;
    }
    return new RequestSource(input, init, options, body);
  }

  /** What `fetch` is called with. */
  async attempt(signal: AbortSignal): Promise<[string | URL | Request, RequestInit]> {
    const init: RequestInit & { duplex?: "half" } = { ...(this.#init as RequestInit), signal };
    const body = typeof this.#body === "function" ? await this.#body() : this.#body;
    if (body !== undefined) init.body = body;
    // The platform wants to be told that the answer does not come before the body is sent.
    if (isOneTimeBody(body)) init.duplex = "half";
    // A copy keeps the whole body in memory until the end: only for who may need it again.
    if (!isRequest(this.#input) || !this.repeatable) return [this.#input, init];
    this.#copied = true;
    return [this.#input.clone(), init];
  }

  /** Lets go of what was kept for another attempt. */
  end(): void {
    if (this.#copied) void (this.#input as Request).body?.cancel().catch(ignore);
  }
}

function ignore(): void {
  // Somebody else reads it by now.
}

function callersSignal(input: string | URL | Request, init: ResilientRequestInit): AbortSignal | undefined {
  return init.signal ?? (isRequest(input) ? input.signal : undefined);
}

/** Also a request of undici's own make. */
function isRequest(input: string | URL | Request): input is Request {
  return typeof input === "object" && "clone" in input && typeof input.clone === "function";
}
