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

/** Headers with some more, in place of those of the same names and of `without`, as a flat list of names and values. */
export function withHeaders(
  headers: Dispatcher.DispatchOptions["headers"],
  more: Readonly<Record<string, string>>,
  without: readonly string[],
): string[] {
  const gone = new Set([...Object.keys(more), ...without]);
  const kept = pairsOf(headers).filter(([name]) => !gone.has(name.toLowerCase()));
  return [...kept, ...Object.entries(more)].flat();
}

function pairsOf(headers: Dispatcher.DispatchOptions["headers"]): (readonly [string, string])[] {
  if (typeof headers !== "object" || headers === null) return [];
  const each = (name: unknown, value: unknown): (readonly [string, string])[] =>
    value === undefined || value === null
      ? []
      : [value].flat().map((one: unknown): [string, string] => [String(name), String(one)]);
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    const flat: readonly unknown[] = headers;
    return flat.flatMap((name, at) => (at % 2 === 0 ? each(name, flat[at + 1]) : []));
  }
  const entries =
    Symbol.iterator in headers
      ? Array.from(headers as Iterable<readonly [unknown, unknown]>)
      : Object.entries(headers as object);
  return entries.flatMap(([name, value]) => each(name, value));
}
