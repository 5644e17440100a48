import { InvalidArgumentError } from "../errors/base.ts";
import { ByteReader, ByteWriter, MalformedError } from "../wire/index.ts";
import { readCoordinate, writeCoordinate } from "./codec-coordinate.ts";
import {
  readAddress,
  readFlag,
  readHost,
  readId,
  readIncarnation,
  readMember,
  readMeta,
  readName,
  readPort,
  writeAddress,
  writeFlag,
  writeMember,
} from "./codec-field.ts";
import type { Message } from "./message.ts";

/** The kinds of message, by their number on the wire: never renumbered. */
const types = [
  "ping",
  "pingReq",
  "ack",
  "nack",
  "alive",
  "suspect",
  "dead",
  "user",
  "pushPull",
] as const satisfies readonly Message["type"][];

/** Where messages come from: all that a member knows comes over streams only. */
export type Carrier = "datagram" | "stream";

/** The least a member takes: four lengths or numbers of one byte, a name, a host, a port and a state. */
const minMemberBytes = 8;
const maxSequence = 0xffff_ffff;

const scratch = new ByteWriter(512);

/** Writes messages one after the other, each behind its length, so that a kind from the future can be passed over. */
export function encodeMessages(writer: ByteWriter, messages: readonly Message[]): void {
  for (const message of messages) {
    scratch.clear();
    writeMessage(scratch, message);
    writer.sizedBytes(scratch.view());
  }
}

/** What a message adds to a packet, its length included. */
export function sizeOf(message: Message): number {
  scratch.clear();
  writeMessage(scratch, message);
  const { length } = scratch;
  scratch.varint(length);
  return scratch.length;
}

/**
 * Reads messages to the end. What lives on is copied out of the bytes read.
 *
 * @param onUnknown told of each message whose kind is not known here; it is passed over
 * @throws MalformedError naming the field
 */
export function decodeMessages(reader: ByteReader, carrier: Carrier, onUnknown: () => void): Message[] {
  const messages: Message[] = [];
  while (reader.remaining > 0) {
    const body = new ByteReader(reader.sizedBytes("message"));
    const type = types[body.u8("message.type")];
    if (type === undefined) {
      onUnknown();
      continue;
    }
    if (type === "pushPull" && carrier === "datagram") {
      throw new MalformedError("message.type", 0, "must not be pushPull in a datagram");
    }
    messages.push(readMessage(body, type));
    body.end(type);
  }
  return messages;
}

function writeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(types.indexOf(message.type));
  switch (message.type) {
    case "ping":
      writer.varint(message.seq);
      writer.utf8(message.target);
      writeAddress(writer, message.source);
      return;
    case "pingReq":
      writer.varint(message.seq);
      writer.utf8(message.target);
      writer.utf8(message.targetHost);
      writer.varint(message.targetPort);
      writeAddress(writer, message.source);
      writeFlag(writer, message.wantsNack);
      return;
    case "ack":
      writer.varint(message.seq);
      if (message.coordinate !== undefined) writeCoordinate(writer, message.coordinate);
      return;
    case "nack":
      writer.varint(message.seq);
      return;
    case "alive":
      writeAddress(writer, message);
      writer.sizedBytes(message.meta);
      writer.varint(message.incarnation);
      return;
    case "suspect":
    case "dead":
      writer.utf8(message.name);
      writer.varint(message.incarnation);
      // Members mostly speak for themselves only when they leave: an empty name stands for the same one.
      writer.utf8(message.from === message.name ? "" : message.from);
      return;
    case "user":
      writer.utf8(message.id);
      writer.sizedBytes(message.payload);
      return;
    case "pushPull":
      writeFlag(writer, message.join);
      writeFlag(writer, message.reply);
      writer.varint(message.members.length);
      for (const member of message.members) writeMember(writer, member);
      return;
    default:
      throw new InvalidArgumentError("message.type", "must be a known kind", (message as Message).type);
  }
}

function readMessage(reader: ByteReader, type: (typeof types)[number]): Message {
  switch (type) {
    case "ping":
      return { type, seq: readSequence(reader), target: readName(reader, "target"), source: readAddress(reader) };
    case "pingReq":
      return {
        type,
        seq: readSequence(reader),
        target: readName(reader, "target"),
        targetHost: readHost(reader, "targetHost"),
        targetPort: readPort(reader, "targetPort"),
        source: readAddress(reader),
        wantsNack: readFlag(reader, "wantsNack"),
      };
    case "ack": {
      const seq = readSequence(reader);
      return reader.remaining === 0 ? { type, seq } : { type, seq, coordinate: readCoordinate(reader) };
    }
    case "nack":
      return { type, seq: readSequence(reader) };
    case "alive":
      return { type, ...readAddress(reader), meta: readMeta(reader), incarnation: readIncarnation(reader) };
    case "suspect":
    case "dead": {
      const name = readName(reader, "name");
      const incarnation = readIncarnation(reader);
      return {
        type,
        name,
        incarnation,
        from: reader.remaining === 1 ? readSame(reader, name) : readName(reader, "from"),
      };
    }
    case "user":
      return { type, id: readId(reader), payload: reader.sizedBytes("payload").slice() };
    default: {
      const join = readFlag(reader, "join");
      const reply = readFlag(reader, "reply");
      const count = reader.count("members", minMemberBytes);
      return { type, join, reply, members: Array.from({ length: count }, () => readMember(reader)) };
    }
  }
}

function readSequence(reader: ByteReader): number {
  const start = reader.offset;
  const seq = reader.varint("seq");
  if (seq > maxSequence) throw new MalformedError("seq", start, `must be at most ${maxSequence} (got ${seq})`);
  return seq;
}

/** The last byte of an update that a member made of itself: an empty name. */
function readSame(reader: ByteReader, name: string): string {
  const start = reader.offset;
  if (reader.u8("from") !== 0) throw new MalformedError("from", start, "must be a name or empty");
  return name;
}
