/** Data nested deeper than this is not looked through. */
const maxDepth = 1_000;

/**
 * Whether two answers say the same: data by what is in it, whatever the order of fields, map entries and set members.
 * Data are primitives, arrays, plain objects, dates, maps, sets, buffers and views on them; 0 is -0, NaN is NaN, bytes
 * are bytes whoever wraps them. Cycles and parts that are there twice are looked at once. Anything else, an instance of a
 * class first of all, is the same only as itself: what it keeps in private cannot be compared. So is what lies more than
 * 1 000 levels deep. Keys of maps and members of sets that are objects count in their order.
 */
export function sameAnswer(a: unknown, b: unknown): boolean {
  return same(a, b, new Map(), 0);
}

/** A pair met again is taken for equal: if it is not, its first comparison says so. */
function same(a: unknown, b: unknown, met: Map<object, object>, depth: number): boolean {
  if (a === b || (a !== a && b !== b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || depth >= maxDepth) return false;
  if (met.get(a) === b) return true;
  met.set(a, b);
  const inside = (one: unknown, other: unknown): boolean => same(one, other, met, depth + 1);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return sameBytes(a, b);
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (prototype === Object.prototype || prototype === null) return sameFields(a, b, inside);
  if (prototype === Array.prototype) return sameList(a as unknown[], b as unknown[], inside);
  // eslint-disable-next-line no-restricted-globals -- compares times, and reads none
  if (prototype === Date.prototype) return inside((a as Time).getTime(), (b as Time).getTime());
  if (prototype === Map.prototype) return sameMap(a as Map<unknown, unknown>, b as Map<unknown, unknown>, inside);
  if (prototype === Set.prototype) return sameSet(a as Set<unknown>, b as Set<unknown>, inside);
  if (ArrayBuffer.isView(a)) return sameBytes(bytesOf(a), bytesOf(b as ArrayBufferView));
  if (prototype === ArrayBuffer.prototype)
    return sameBytes(new Uint8Array(a as ArrayBuffer), new Uint8Array(b as ArrayBuffer));
  return false;
}

interface Time {
  getTime(): number;
}

type Same = (a: unknown, b: unknown) => boolean;

function sameFields(a: object, b: object, same: Same): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(
    (name) =>
      Object.hasOwn(b, name) && same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}

function sameList(a: readonly unknown[], b: readonly unknown[], same: Same): boolean {
  return a.length === b.length && a.every((each, at) => same(each, b[at]));
}

function sameMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>, same: Same): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!isObject(key) && !(b.has(key) && same(value, b.get(key)))) return false;
  const entries = (map: ReadonlyMap<unknown, unknown>): unknown[] => [...map].filter(([key]) => isObject(key));
  return sameList(entries(a), entries(b), same);
}

function sameSet(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>, same: Same): boolean {
  if (a.size !== b.size) return false;
  for (const each of a) if (!isObject(each) && !b.has(each)) return false;
  return sameList([...a].filter(isObject), [...b].filter(isObject), same);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
