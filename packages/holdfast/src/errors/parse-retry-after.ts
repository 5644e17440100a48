import type { Clock } from "../runtime/system.ts";

/** The three forms of RFC 9110, 5.6.7: today's, RFC 850's with two digits of the year, and asctime's. */
const httpDate =
  /^(\w{3}, \d\d \w{3} \d{4}|\w{6,9}, \d\d-\w{3}-\d\d) \d\d:\d\d:\d\d GMT$|^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * What a `Retry-After` header asks for (RFC 9110, 10.2.3): seconds, or an HTTP date, which is compared with the wall clock.
 *
 * @returns milliseconds >= 0; undefined when the text is neither
 */
export function parseRetryAfter(text: string, clock: Pick<Clock, "wallTime">): number | undefined {
  if (/^\d{1,12}(\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  if (!httpDate.test(text)) return undefined;
  // eslint-disable-next-line no-restricted-globals -- reads a text, not the time
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.wallTime());
}
