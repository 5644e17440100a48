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

/** The three forms of RFC 9110, 5.6.7: today's, RFC 850's with two digits of the year, and asctime's. */
const httpDate =
  /^(\w{3}, \d\d \w{3} \d{4}|\w{6,9}, \d\d-\w{3}-\d\d) \d\d:\d\d:\d\d GMT$|^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/** @returns milliseconds >= 0; undefined when the text is neither seconds nor an HTTP date */
export function parseRetryAfter(text: string, clock: Pick<Clock, "wallTime">): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!httpDate.test(text)) return undefined;
  // eslint-disable-next-line no-restricted-globals -- reads a text, not the time
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.wallTime());
}
