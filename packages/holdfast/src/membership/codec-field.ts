import { type ByteReader, type ByteWriter, MalformedError } from "../wire/index.ts";
import {
  maxIncarnation,
  maxMetaBytes,
  maxNameBytes,
  type Member,
  type MemberAddress,
  type MemberState,
} from "./member.ts";

/** What is believed of a member, by its number on the wire: never renumbered. */
const states = ["alive", "suspect", "dead", "left"] as const satisfies readonly MemberState[];

/** As long as a name of the domain system can be. */
export const maxHostBytes = 255;
const maxPort = 65_535;
const maxIdBytes = 255;

export function writeAddress(writer: ByteWriter, address: MemberAddress): void {
  writer.utf8(address.name);
  writer.utf8(address.host);
  writer.varint(address.port);
}

export function readAddress(reader: ByteReader): MemberAddress {
  return { name: readName(reader, "name"), host: readHost(reader, "host"), port: readPort(reader, "port") };
}

export function writeMember(writer: ByteWriter, member: Member): void {
  writeAddress(writer, member);
  writer.sizedBytes(member.meta);
  writer.varint(member.incarnation);
  writer.u8(states.indexOf(member.state));
}

export function readMember(reader: ByteReader): Member {
  const address = readAddress(reader);
  const meta = readMeta(reader);
  const incarnation = readIncarnation(reader);
  const start = reader.offset;
  const state = states[reader.u8("state")];
  if (state === undefined) throw new MalformedError("state", start, `must be below ${states.length}`);
  return { ...address, meta, incarnation, state };
}

export function readName(reader: ByteReader, field: string): string {
  return readText(reader, field, maxNameBytes);
}

export function readHost(reader: ByteReader, field: string): string {
  return readText(reader, field, maxHostBytes);
}

export function readId(reader: ByteReader): string {
  return readText(reader, "id", maxIdBytes);
}

export function readPort(reader: ByteReader, field: string): number {
  const start = reader.offset;
  const port = reader.varint(field);
  if (port < 1 || port > maxPort) throw new MalformedError(field, start, `must be from 1 to ${maxPort} (got ${port})`);
  return port;
}

export function readIncarnation(reader: ByteReader): number {
  const start = reader.offset;
  const incarnation = reader.varint("incarnation");
  if (incarnation < maxIncarnation) return incarnation;
  throw new MalformedError("incarnation", start, `must be below ${maxIncarnation} (got ${incarnation})`);
}

export function readMeta(reader: ByteReader): Uint8Array {
  const start = reader.offset;
  const meta = reader.sizedBytes("meta");
  if (meta.length > maxMetaBytes) throw new MalformedError("meta", start, `must be at most ${maxMetaBytes} bytes`);
  return meta.slice();
}

export function writeFlag(writer: ByteWriter, flag: boolean): void {
  writer.u8(flag ? 1 : 0);
}

export function readFlag(reader: ByteReader, field: string): boolean {
  const start = reader.offset;
  const flag = reader.u8(field);
  if (flag > 1) throw new MalformedError(field, start, `must be 0 or 1 (got ${flag})`);
  return flag === 1;
}

function readText(reader: ByteReader, field: string, maxBytes: number): string {
  const start = reader.offset;
  const text = reader.utf8(field);
  const length = reader.offset - start;
  // Its length takes one byte, or two from 128 on.
  const bytes = length - (length > 128 ? 2 : 1);
  if (bytes >= 1 && bytes <= maxBytes) return text;
  throw new MalformedError(field, start, `must be 1 to ${maxBytes} bytes of UTF-8 (got ${bytes})`);
}
