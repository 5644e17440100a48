import type { Buffer } from "node:buffer";

/** The connection preface (RFC 9113, section 3.4). */
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const prefaceBytes: number = preface.length;
/** Length of a frame's header (section 4.1), and of the longest payload before anything else is agreed (section 4.2). */
const frameHeaderBytes = 9;
const maxPayloadBytes = 16_384;
const headersFrame = 1;
const settingsFrame = 4;
const paddedFlag = 0x8;
const priorityFlag = 0x20;
const ackFlag = 0x1;

/** The static table's index of `:authority` (RFC 7541, appendix A). */
const authorityIndex = 1;

/** What a client has sent, as far as it matters before its connection is handed on. */
export interface Opening {
  /** It is no HTTP/2: whoever takes the connection will say so. */
  readonly isNonsense: boolean;
  /** The first request's header frame is there, whole. */
  readonly hasHeaders: boolean;
  /** Where the first acknowledgement of our settings stands; undefined when there is none yet. */
  readonly acknowledgement: { readonly start: number; readonly end: number } | undefined;
}

/**
 * Looks through the whole frames behind the preface, and makes the first request's `:authority` one that HTTP/2 allows.
 *
 * Clients built on Go's gRPC of etcd 3.4 send the endpoint they were given as the authority, URL scheme and slashes
 * included. Go's server takes that; Node's refuses the request before anybody sees it. The two slashes become dashes in
 * place: both have the same length as they are and in Huffman's code (RFC 7541, appendix B), so that the client's and the
 * server's header tables stay alike, and later requests that refer to the entry are right, too.
 */
export function readOpening(bytes: Buffer): Opening {
  let hasHeaders = false;
  let isNonsense = bytes.subarray(0, prefaceBytes).toString("latin1") !== preface;
  let acknowledgement: Opening["acknowledgement"];
  for (let at = prefaceBytes; at + frameHeaderBytes <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    const [type, flags] = [bytes[at + 3]!, bytes[at + 4]!];
    isNonsense ||= length > maxPayloadBytes || (at === prefaceBytes && type !== settingsFrame);
    const end = at + frameHeaderBytes + length;
    if (isNonsense || end > bytes.length) break;
    if (type === headersFrame && !hasHeaders) {
      hasHeaders = true;
      repairAuthority(bytes.subarray(at + frameHeaderBytes, end), flags);
    }
    if (type === settingsFrame && (flags & ackFlag) !== 0) acknowledgement ??= { start: at, end };
    at = end;
  }
  return { isNonsense, hasHeaders, acknowledgement };
}

/** Walks through a header block's fields (RFC 7541, section 6) up to a literal `:authority`, the pseudo-headers' one. */
function repairAuthority(frame: Buffer, flags: number): void {
  const start = ((flags & paddedFlag) === 0 ? 0 : 1) + ((flags & priorityFlag) === 0 ? 0 : 5);
  const cursor = { bytes: frame, at: start };
  while (cursor.at < frame.length) {
    const first = frame[cursor.at]!;
    if ((first & 0x80) !== 0) {
      readInteger(cursor, 7);
      continue;
    }
    if ((first & 0xe0) === 0x20) {
      readInteger(cursor, 5);
      continue;
    }
    const name = readInteger(cursor, (first & 0xc0) === 0x40 ? 6 : 4);
    if (name === 0) skipString(cursor);
    const isHuffman = (frame[cursor.at]! & 0x80) !== 0;
    const length = readInteger(cursor, 7);
    if (length === undefined) return;
    if (name === authorityIndex) {
      removeSlashes(frame.subarray(cursor.at, cursor.at + length), isHuffman);
      return;
    }
    cursor.at += length;
  }
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

/** An integer with a prefix of so many bits (RFC 7541, section 5.1); undefined, and the end, when it makes no sense. */
function readInteger(cursor: Cursor, prefixBits: number): number | undefined {
  const { bytes } = cursor;
  const most = 2 ** prefixBits - 1;
  let value = (bytes[cursor.at++] ?? 0) & most;
  if (value < most) return value;
  for (let shift = 0; shift <= 21; shift += 7) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  cursor.at = bytes.length;
  return undefined;
}

function skipString(cursor: Cursor): void {
  cursor.at += readInteger(cursor, 7) ?? 0;
}

/** `http://` as it is, and in Huffman's code with the bits after it that belong to the next character. */
const plainScheme = "http://";
const codedScheme = [0x9d, 0x29, 0xae, 0xe3, 0x0c];
/** The bytes of the code that differ for `http:--`. */
const codedRepair = [0xe2, 0xcb];

function removeSlashes(value: Buffer, isHuffman: boolean): void {
  if (!isHuffman) {
    if (value.subarray(0, plainScheme.length).toString("latin1") === plainScheme) value.write("--", 5, "latin1");
    return;
  }
  const matches = codedScheme.every((byte, at) => value[at] === byte) && (value[codedScheme.length] ?? 0xff) < 0x80;
  if (matches) value.set(codedRepair, 3);
}
