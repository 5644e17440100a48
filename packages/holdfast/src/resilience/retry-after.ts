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

/** @returns milliseconds >= 0; undefined when the text is neither seconds nor an HTTP date */
export function parseRetryAfter(text: string, clock: Pick<Clock, "wallTime">): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = parseHttpDate(text, clock);
  return at === undefined ? undefined : Math.max(0, at - clock.wallTime());
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The three forms of RFC 9110, 5.6.7: today's, RFC 850's with two digits of the year, and asctime's. */
const forms: readonly RegExp[] = [
  /^\w{3}, (?<day>\d{2}) (?<month>\w{3}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^\w{6,9}, (?<day>\d{2})-(?<month>\w{3})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
];

const msPerDay = 86_400_000;

function parseHttpDate(text: string, clock: Pick<Clock, "wallTime">): number | undefined {
  for (const form of forms) {
    const groups = form.exec(text)?.groups;
    if (groups === undefined) continue;
    const month = months.indexOf(groups["month"] ?? "");
    if (month < 0) return undefined;
    const [hours = 0, minutes = 0, seconds = 0] = (groups["time"] ?? "").split(":").map(Number);
    const timeMs = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    const year = Number(groups["year"]);
    const at = (year: number): number => daysSince1970(year, month, Number(groups["day"])) * msPerDay + timeMs;
    if (groups["year"]?.length !== 2) return at(year);
    // Two digits mean the last such year that is not more than 50 years ahead.
    const limit = clock.wallTime() + 50 * 365.25 * msPerDay;
    let century = 2100;
    while (at(century + year) > limit) century -= 100;
    return at(century + year);
  }
  return undefined;
}

/** In the Gregorian calendar, `month` from 0; years counted from March, so that the leap day is their last. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month < 2 ? year - 1 : year;
  const marchMonth = (month + 10) % 12;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + Math.floor((153 * marchMonth + 2) / 5) + day - 1 - 719_468;
}
