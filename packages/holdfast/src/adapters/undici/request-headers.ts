import type { Dispatcher } from "undici";

/** Whether a request has a header, in any of the forms that undici takes. `name` is in lower case. */
export function hasHeader(headers: Dispatcher.DispatchOptions["headers"], name: string): boolean {
  if (typeof headers !== "object" || headers === null) return false;
  return namesOf(headers).some((header) => String(header).toLowerCase() === name);
}

/** A flat list of names and values, pairs, or an object. */
function namesOf(headers: object): readonly unknown[] {
  if (Array.isArray(headers) && !Array.isArray(headers[0])) return headers.filter((_, at) => at % 2 === 0);
  if (Symbol.iterator in headers) return Array.from(headers as Iterable<readonly unknown[]>, ([header]) => header);
  return Object.keys(headers);
}
