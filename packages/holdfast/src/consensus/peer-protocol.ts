import type { Address } from "../runtime/index.ts";
import { ByteReader, ByteWriter, encodeFrame, MalformedError } from "../wire/index.ts";
import type { NodeId } from "./entry.ts";
import { formatAddress, parseAddress } from "./peer-address.ts";

const magic = 0x48465031;
const version = 2;

/** A frame above this is refused; an append of a single huge command still fits. */
export const maxPeerFrameBytes: number = 64 * 1024 * 1024;

/** The first frame on a connection: who calls whom, in which cluster. */
export interface Hello {
  readonly clusterId: bigint;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Where the caller can be called back. */
  readonly address: Address;
}

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(magic);
  writer.u8(version);
  writer.bigU64(hello.clusterId);
  writer.varint(hello.from);
  writer.varint(hello.to);
  writer.utf8(formatAddress(hello.address));
  return encodeFrame(writer.toBytes());
}

/** @throws MalformedError when it is not the hello of this protocol and version */
export function decodeHello(payload: Uint8Array): Hello {
  const reader = new ByteReader(payload);
  if (reader.u32("hello.magic") !== magic) throw new MalformedError("hello.magic", 0, "must be a Holdfast peer's");
  const theirs = reader.u8("hello.version");
  if (theirs !== version) throw new MalformedError("hello.version", 4, `must be ${version} (got ${theirs})`);
  const hello = {
    clusterId: reader.bigU64("hello.clusterId"),
    from: reader.varint("hello.from"),
    to: reader.varint("hello.to"),
    address: readAddress(reader),
  };
  reader.end("hello");
  return hello;
}

function readAddress(reader: ByteReader): Address {
  const at = reader.offset;
  const address = parseAddress(reader.utf8("hello.address"));
  if (address === undefined) throw new MalformedError("hello.address", at, "must be host:port");
  return address;
}

/** The answer to a hello. */
export interface Welcome {
  /** Empty when the caller is welcome, else why not. */
  readonly refusal: string;
  /** Whether commands may be sent here with notes. */
  readonly takesNotes: boolean;
  /** Whether the one who answers lets the caller know again and again that it is there, when it says nothing else. */
  readonly beats: boolean;
}

const notesBit = 1;
const beatsBit = 2;

/** Says "I am here" and nothing of what has arrived. A caller of before takes it for the answer "still here". */
export const beatFrame: Uint8Array = encodeFrame(new Uint8Array());

/** What a member knows beyond the first of this version follows the refusal, where older ones do not look. */
export function encodeWelcome({ refusal, takesNotes, beats }: Welcome): Uint8Array {
  const writer = new ByteWriter();
  writer.utf8(refusal);
  const known = (takesNotes ? notesBit : 0) | (beats ? beatsBit : 0);
  if (known !== 0) writer.u8(known);
  return encodeFrame(writer.toBytes());
}

/** Bits and bytes that are not known yet are those of a member to come. */
export function decodeWelcome(payload: Uint8Array): Welcome {
  const reader = new ByteReader(payload);
  const refusal = reader.utf8("welcome.refusal");
  const known = reader.remaining > 0 ? reader.u8("welcome.known") : 0;
  return { refusal, takesNotes: (known & notesBit) !== 0, beats: (known & beatsBit) !== 0 };
}
