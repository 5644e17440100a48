import { parseRetryAfter } from "../errors/base.ts";
import type { Clock } from "../runtime/system.ts";

/**
 * How long the other side asks to wait, as an error or a result says it: a number `retryAfterMs`, else a `Retry-After`
 * header of it or of its `response` (RFC 9110, 10.2.3: seconds, or an HTTP date, which is compared with the wall clock).
 *
 * @returns milliseconds >= 0; undefined when it does not say, or nothing that can be read
 */
export function retryAfter(failure: unknown, clock: Pick<Clock, "wallTime">): number | undefined {
  if (typeof failure !== "object" || failure === null) return undefined;
  const { retryAfterMs, headers, response } = failure as Answer;
  if (typeof retryAfterMs === "number") return retryAfterMs >= 0 ? retryAfterMs : undefined;
  const text = header(headers) ?? header(response?.headers);
  return text === undefined ? undefined : parseRetryAfter(text, clock);
}

interface Answer {
  readonly retryAfterMs?: unknown;
  readonly headers?: Headers;
  readonly response?: { readonly headers?: Headers } | null;
}

type Headers = { readonly get?: unknown; readonly "retry-after"?: unknown } | null | undefined;

/** Of a fetch response's headers, or of a plain object with lower-case names, as Node's are. */
function header(headers: Headers): string | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  const value: unknown = typeof headers.get === "function" ? headers.get("retry-after") : headers["retry-after"];
  return typeof value === "string" ? value.trim() : undefined;
}
