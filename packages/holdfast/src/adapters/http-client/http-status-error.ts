import { HoldfastError, type ErrorKind } from "../../errors/index.ts";

/** Headers of an answer: fetch's, or a plain object with lower-case names. */
export type ResponseHeaders =
  | { get(name: string): unknown }
  | { readonly [name: string]: string | readonly string[] | undefined };

export interface HttpStatusErrorOptions {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly method: string;
  readonly url: string;
  /** Whether the request may be sent again. */
  readonly retryable: boolean;
  /** The client's own object for the answer; its body can be read unless another attempt followed. */
  readonly response: unknown;
  readonly cause?: unknown;
}

/**
 * The service answered, with a status that counts as a failure. Policies see it in place of the answer; `retryAfter` reads
 * the `Retry-After` header of `headers`.
 */
export class HttpStatusError extends HoldfastError {
  static override readonly brand: string = "HttpStatusError";

  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly response: unknown;
  /** What a `Retry-After` in seconds asks for. A date is left to the retry policy, which has a clock. */
  readonly retryAfterMs: number | undefined;

  constructor(options: HttpStatusErrorOptions) {
    const { status, headers, method, url, retryable, response, cause } = options;
    super(`HTTP ${status} from ${method} ${withoutSecrets(url)}`, {
      name: "HttpStatusError",
      code: "HTTP_STATUS",
      kind: kindOf(status),
      retryable,
      cause,
    });
    this.status = status;
    this.headers = headers;
    this.response = response;
    this.retryAfterMs = secondsOf(headers);
    // Answers are large, and hold sockets: a log that prints the error prints none of this.
    for (const name of ["headers", "response"]) Object.defineProperty(this, name, { enumerable: false });
  }

  override toJSON(): Record<string, unknown> {
    const { status, retryAfterMs } = this;
    return { ...super.toJSON(), status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

function kindOf(status: number): ErrorKind {
  if (status === 408 || status === 504) return "timeout";
  if (status === 429 || status === 503) return "resource";
  if (status === 502) return "network";
  return status >= 500 ? "system" : "business";
}

function secondsOf(headers: ResponseHeaders): number | undefined {
  const value: unknown = isLookup(headers) ? headers.get("retry-after") : headers["retry-after"];
  return typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : undefined;
}

function isLookup(headers: ResponseHeaders): headers is { get(name: string): unknown } {
  return typeof headers.get === "function";
}

/** Queries carry tokens, and user names carry passwords: neither belongs into a message. */
function withoutSecrets(url: string): string {
  return (url.split(/[?#]/, 1)[0] ?? "").replace(/\/\/[^/@]*@/, "//");
}
