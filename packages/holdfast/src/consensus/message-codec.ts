import { ByteReader, MalformedError, type ByteWriter } from "../wire/index.ts";
import { decodeConfiguration, readConfiguration, writeConfiguration } from "./configuration-codec.ts";
import { decodeEntries, encodeEntries } from "./entry-codec.ts";
import type { Entry, NodeId, SnapshotMeta } from "./entry.ts";
import { maxNoteLength, type ProposalNote, type Propose } from "./message.ts";
import type { PeerMessage } from "./peer-message.ts";

/**
 * The kinds of message, by their number on the wire: never renumbered. A `propose` with notes is a kind of its own, which
 * only those are sent that have said that they know it.
 */
const types = [
  "requestVote",
  "voteResult",
  "append",
  "appendAccepted",
  "appendRejected",
  "heartbeat",
  "heartbeatResult",
  "propose",
  "readIndex",
  "readIndexResult",
  "snapshotChunk",
  "snapshotChunkResult",
  "timeoutNow",
  "notedPropose",
] as const satisfies readonly (PeerMessage["type"] | "notedPropose")[];

/** Writes a message; sender and receiver are the connection's. A `snapshot` message is local and never sent. */
export function encodeMessage(writer: ByteWriter, message: PeerMessage): void {
  if (message.type === "snapshot") throw new Error("a snapshot message is local to its node");
  const isNoted = message.type === "propose" && message.notes !== undefined;
  writer.u8(types.indexOf(isNoted ? "notedPropose" : message.type));
  writer.varint(message.term);
  switch (message.type) {
    case "requestVote":
      writer.u8((message.preVote ? 1 : 0) | (message.leadershipTransfer ? 2 : 0));
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      return;
    case "voteResult":
      writer.u8((message.preVote ? 1 : 0) | (message.granted ? 2 : 0));
      return;
    case "append":
      writer.varint(message.previousIndex);
      writer.varint(message.previousTerm);
      writer.varint(message.commit);
      encodeEntries(writer, message.entries);
      return;
    case "appendAccepted":
      writer.varint(message.matchIndex);
      return;
    case "appendRejected":
      writer.varint(message.rejectedIndex);
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      return;
    case "heartbeat":
      writer.varint(message.commit);
      writer.varint(message.readSequence);
      writer.varint(message.sentAt);
      return;
    case "heartbeatResult":
      writer.varint(message.readSequence);
      writer.varint(message.sentAt);
      writer.varint(message.holdMs);
      return;
    case "propose":
      if (message.notes !== undefined) writeNotes(writer, message.notes);
      writer.varint(message.commands.length);
      for (const command of message.commands) writer.sizedBytes(command);
      return;
    case "readIndex":
      writer.varint(message.id);
      return;
    case "readIndexResult":
      writer.varint(message.id);
      writer.varint(message.index);
      return;
    case "snapshotChunk":
      writeMeta(writer, message.snapshot);
      writer.varint(message.offset);
      writer.varint(message.size);
      writer.sizedBytes(message.data);
      return;
    case "snapshotChunkResult":
      writer.varint(message.snapshotIndex);
      writer.varint(message.offset);
  }
}

/**
 * Reads one message that came from `from`. Its bytes are copied out of the payload where they live on.
 *
 * @throws MalformedError naming the field
 */
export function decodeMessage(payload: Uint8Array, from: NodeId, to: NodeId): PeerMessage {
  const reader = new ByteReader(payload);
  const type = types[reader.u8("message.type")];
  if (type === undefined) throw new MalformedError("message.type", 0, "must be a known kind of message");
  const term = reader.varint("message.term");
  const message = decodeBody(reader, type, { from, to, term });
  reader.end("message");
  return message;
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
}

function decodeBody(reader: ByteReader, type: (typeof types)[number], envelope: Envelope): PeerMessage {
  switch (type) {
    case "requestVote": {
      const flags = reader.u8("flags");
      return {
        type,
        ...envelope,
        preVote: (flags & 1) !== 0,
        leadershipTransfer: (flags & 2) !== 0,
        lastIndex: reader.varint("lastIndex"),
        lastTerm: reader.varint("lastTerm"),
      };
    }
    case "voteResult": {
      const flags = reader.u8("flags");
      return { type, ...envelope, preVote: (flags & 1) !== 0, granted: (flags & 2) !== 0 };
    }
    case "append":
      return {
        type,
        ...envelope,
        previousIndex: reader.varint("previousIndex"),
        previousTerm: reader.varint("previousTerm"),
        commit: reader.varint("commit"),
        entries: checked(decodeEntries(reader)),
      };
    case "appendAccepted":
      return { type, ...envelope, matchIndex: reader.varint("matchIndex") };
    case "appendRejected":
      return {
        type,
        ...envelope,
        rejectedIndex: reader.varint("rejectedIndex"),
        hintIndex: reader.varint("hintIndex"),
        hintTerm: reader.varint("hintTerm"),
      };
    case "heartbeat":
      return {
        type,
        ...envelope,
        commit: reader.varint("commit"),
        readSequence: reader.varint("readSequence"),
        sentAt: reader.varint("sentAt"),
      };
    case "heartbeatResult":
      return {
        type,
        ...envelope,
        readSequence: reader.varint("readSequence"),
        sentAt: reader.varint("sentAt"),
        holdMs: reader.varint("holdMs"),
      };
    case "timeoutNow":
      return { type, ...envelope };
    case "propose":
      return { type, ...envelope, commands: readCommands(reader) };
    case "notedPropose":
      return readNoted(reader, envelope);
    case "readIndex":
      return { type, ...envelope, id: reader.varint("id") };
    case "readIndexResult":
      return { type, ...envelope, id: reader.varint("id"), index: reader.varint("index") };
    case "snapshotChunk":
      return {
        type,
        ...envelope,
        snapshot: readMeta(reader),
        offset: reader.varint("offset"),
        size: reader.varint("size"),
        data: reader.sizedBytes("data").slice(),
      };
    default:
      return {
        type,
        ...envelope,
        snapshotIndex: reader.varint("snapshotIndex"),
        offset: reader.varint("offset"),
      };
  }
}

function readCommands(reader: ByteReader): Uint8Array[] {
  const commands: Uint8Array[] = [];
  const count = reader.count("commands", 1);
  for (let i = 0; i < count; i++) commands.push(reader.sizedBytes("command").slice());
  return commands;
}

/** Before the commands, so that a message that was cut is not taken for one without them. */
function writeNotes(writer: ByteWriter, notes: readonly ProposalNote[]): void {
  writer.varint(notes.length);
  for (const { at, text } of notes) {
    writer.varint(at);
    writer.utf8(text);
  }
}

function readNoted(reader: ByteReader, envelope: Envelope): Propose {
  const notes: ProposalNote[] = [];
  const start = reader.offset;
  let last = -1;
  for (let left = reader.count("notes", 2); left > 0; left--) {
    const at = reader.varint("note.at");
    const text = reader.utf8("note.text");
    if (at <= last || text.length > maxNoteLength) throw new MalformedError("notes", start, "must be short, in order");
    notes.push({ at, text });
    last = at;
  }
  const commands = readCommands(reader);
  if (last >= commands.length) throw new MalformedError("notes", start, "must be of commands that are there");
  return { type: "propose", ...envelope, commands, notes };
}

/** A configuration that cannot be read is refused here: in the log it would stop the node. */
function checked(entries: readonly Entry[]): readonly Entry[] {
  for (const { kind, data } of entries) if (kind === "configuration") decodeConfiguration(data);
  return entries;
}

function writeMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  writer.varint(meta.index);
  writer.varint(meta.term);
  writeConfiguration(writer, meta.configuration);
}

function readMeta(reader: ByteReader): SnapshotMeta {
  return {
    index: reader.varint("snapshot.index"),
    term: reader.varint("snapshot.term"),
    configuration: readConfiguration(reader),
  };
}
