import { afterPrefix, bytesOf, fromBase64, toBase64 } from "./key-bytes.ts";

export const keysOnPage = 50;

/** The request for a page of keys that begin with `prefix`, from `from` on (base64; the first when undefined). */
export function pageRequest(prefix: string, from: string | undefined): Record<string, unknown> {
  const start = bytesOf(prefix);
  return {
    // Without a prefix all keys, which begin with the least there is.
    key: from ?? toBase64(start.length === 0 ? new Uint8Array([0]) : start),
    range_end: toBase64(afterPrefix(start)),
    limit: String(keysOnPage),
    keys_only: true,
    sort_order: "ASCEND",
    sort_target: "KEY",
  };
}

/** The least key after one: itself and a zero byte. */
export function nextAfter(key: string): string {
  return toBase64(Uint8Array.from([...fromBase64(key), 0]));
}
