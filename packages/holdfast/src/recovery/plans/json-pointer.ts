import type { JsonValue } from "./plan.ts";
import { isObject } from "./plan-shape.ts";

/** The names in a pointer (RFC 6901), or undefined for a text that is none. */
export function pointerNames(pointer: string): readonly string[] | undefined {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  const names = pointer.slice(1).split("/");
  return names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** For a parameter: what is wrong with it, or undefined. */
export function pointerRule(value: JsonValue): string | undefined {
  const fits = typeof value === "string" && pointerNames(value) !== undefined;
  return fits ? undefined : 'must be a JSON pointer like /status/0, or ""';
}

/** What is at a pointer; undefined where there is nothing. */
export function valueAt(document: JsonValue, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const name of pointerNames(pointer) ?? []) {
    if (Array.isArray(value)) value = isIndex(name) ? (value as readonly JsonValue[])[Number(name)] : undefined;
    else if (isObject(value) && Object.hasOwn(value, name)) value = value[name] as JsonValue;
    else return undefined;
  }
  return value;
}

/**
 * The document with a value at a pointer, the rest as it was. The last name may be new, or `-` for the end of a list.
 *
 * @throws RangeError when there is nothing that could hold it
 */
export function withValueAt(document: JsonValue, pointer: string, value: JsonValue): JsonValue {
  return changed(document, pointerNames(pointer) ?? [], value, pointer);
}

function changed(document: JsonValue, names: readonly string[], value: JsonValue, pointer: string): JsonValue {
  const [name, ...rest] = names;
  if (name === undefined) return value;
  if (Array.isArray(document)) {
    const items = [...(document as readonly JsonValue[])];
    const index = name === "-" ? items.length : isIndex(name) ? Number(name) : Number.NaN;
    if (!(index < items.length + (rest.length === 0 ? 1 : 0))) throw nothing(pointer);
    items[index] = changed(items[index] ?? null, rest, value, pointer);
    return items;
  }
  if (!isObject(document)) throw nothing(pointer);
  if (rest.length > 0 && !Object.hasOwn(document, name)) throw nothing(pointer);
  const fields = new Map(Object.entries(document));
  fields.set(name, changed(fields.get(name) ?? null, rest, value, pointer));
  // Not an assignment: a field may be named `__proto__`.
  return Object.fromEntries(fields);
}

function isIndex(name: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(name);
}

function nothing(pointer: string): RangeError {
  return new RangeError(`there is nothing at ${JSON.stringify(pointer)}, nor a place for it`);
}
