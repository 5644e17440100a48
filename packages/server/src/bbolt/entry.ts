/** A key and its value as something that can be measured, and written when its place is known. */
export interface Entry {
  /** At least 1, at most 32 768. */
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Writes the key at `at`, and the value right behind it. */
  write(target: Buffer, at: number): void;
  /** Writes the key alone. */
  writeKey(target: Buffer, at: number): void;
}

export function entryOf(key: Uint8Array, value: Uint8Array): Entry {
  return {
    keyBytes: key.length,
    valueBytes: value.length,
    write(target, at) {
      target.set(key, at);
      target.set(value, at + key.length);
    },
    writeKey: (target, at) => target.set(key, at),
  };
}
