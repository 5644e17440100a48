import { Buffer } from "node:buffer";

/** ASN.1's types as certificates use them (X.690, section 8; tags from X.680, section 8). */
const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value in DER: its tag, its length in as few bytes as can be (X.690, section 10.1), and its content. */
function encode(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const digits = length < 0x80 ? "" : length.toString(16);
  const long = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  const head = long.length === 0 ? Buffer.from([tag, length]) : Buffer.from([tag, 0x80 | long.length, ...long]);
  return Buffer.concat([head, content]);
}

/** Of any DER values: what they stand in is told by the tag. */
export const sequence = (...values: readonly Buffer[]): Buffer => encode(tags.sequence, Buffer.concat(values));
export const set = (...values: readonly Buffer[]): Buffer => encode(tags.set, Buffer.concat(values));
export const yes: Buffer = encode(tags.boolean, Buffer.from([0xff]));
export const octets = (content: Buffer): Buffer => encode(tags.octetString, content);
export const utf8 = (text: string): Buffer => encode(tags.utf8, Buffer.from(text, "utf8"));

/** A positive integer from its bytes, highest first; one whose highest bit is set gets a zero before it. */
export function integer(bytes: Buffer): Buffer {
  return encode(tags.integer, bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}

/** Bytes as bits, the last ones of which do not count. */
export function bits(content: Buffer, unused: number = 0): Buffer {
  return encode(tags.bitString, Buffer.concat([Buffer.from([unused]), content]));
}

/** `1.2.840.10045.4.3.2`: the first two arcs share a byte, the rest take seven bits a byte (X.690, section 8.19). */
export function objectIdentifier(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split(".").map(Number) as [number, number, ...number[]];
  const bytes = rest.flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return encode(tags.objectIdentifier, Buffer.from([40 * first + second, ...bytes]));
}

/** With two digits for the year until 2049, with four from then on (RFC 5280, section 4.1.2.5). */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  const isShort = at.getUTCFullYear() < 2050;
  return encode(isShort ? tags.utcTime : tags.generalizedTime, Buffer.from(isShort ? digits.slice(2) : digits));
}

/** A value under a number of its context's own: as a whole when it is built of others, else its content alone. */
export function numbered(number: number, content: Buffer, isConstructed: boolean): Buffer {
  return encode((isConstructed ? 0xa0 : 0x80) | number, content);
}
