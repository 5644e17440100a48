import { textOf } from "../byte-text.ts";

/** Keys from `from` up to but without `to`; all the rest without `to`. */
export interface KeyRange {
  readonly from: string;
  readonly to: string | undefined;
  /** It is the single key `from`. */
  readonly single: boolean;
}

/** What a request's `key` and `rangeEnd` mean. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array | undefined): KeyRange {
  const from = textOf(key);
  if (rangeEnd === undefined || rangeEnd.length === 0) return { from, to: successor(from), single: true };
  return { from, to: isToEnd(rangeEnd) ? undefined : textOf(rangeEnd), single: false };
}

/** One key, as the store holds it. */
export function singleKey(key: string): KeyRange {
  return { from: key, to: successor(key), single: true };
}

/** The key that comes next in order, whether or not it exists. */
function successor(key: string): string {
  return `${key}\0`;
}

/** One zero byte stands for the end of all keys. */
export function isToEnd(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}
