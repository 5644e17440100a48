/**
 * Keys and values are held as strings of one code unit a byte: they cost half of what small typed arrays cost, and `<`
 * compares them bytewise. These two are the only ways in and out.
 */
const platform = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
  readonly latin1Write: (this: Uint8Array, text: string, offset: number, length: number) => number;
};

/** A call into the platform costs more than a loop over this many bytes. */
const loopBelow = 24;

/** The bytes as text, one code unit a byte. */
export function textOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? "" : platform.latin1Slice.call(bytes, 0, bytes.length);
}

/** Writes text made by `textOf` back as bytes; there must be room. */
export function writeText(text: string, target: Uint8Array, offset: number): void {
  if (text.length >= loopBelow) {
    platform.latin1Write.call(target, text, offset, text.length);
    return;
  }
  for (let at = 0; at < text.length; at++) target[offset + at] = text.charCodeAt(at);
}
