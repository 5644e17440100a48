import type { ByteReader, ByteWriter } from "../../wire/index.ts";
import type { ResponseHeader } from "../coordination.ts";
import type { KeyValue } from "../key-value/key-value.ts";
import { choose, readLease, writeLease } from "../request-codec.ts";
import type { WatchCancelReason, WatchEvent, WatchResponse } from "../watches/watch.ts";

/** What a response says besides its events: one bit each. */
const fragmentBit = 1;
const progressBit = 2;
const canceledBit = 4;
const reasons: readonly (WatchCancelReason | undefined)[] = [undefined, "COMPACTED", "NO_LEADER", "STOPPED"];

/** An event's first byte. */
const deleteBit = 1;
const previousBit = 2;

/** One response, but for its header. */
export function writeWatchResponse(writer: ByteWriter, response: WatchResponse): void {
  const { fragment, progress, canceled } = response;
  writer.u8((fragment ? fragmentBit : 0) | (progress ? progressBit : 0) | (canceled ? canceledBit : 0));
  if (canceled === true) {
    writer.u8(reasons.indexOf(response.cancelReason));
    writer.varint(response.compactRevision ?? 0);
  }
  writer.varint(response.events.length);
  for (const event of response.events) writeEvent(writer, event);
}

/** @throws MalformedError */
export function readWatchResponse(reader: ByteReader, header: ResponseHeader): WatchResponse {
  const flags = reader.u8("told.flags");
  const cancelReason = flags & canceledBit ? choose(reader, "told.cancelReason", reasons) : undefined;
  const compactRevision = flags & canceledBit ? reader.varint("told.compactRevision") : 0;
  const events: WatchEvent[] = [];
  for (let left = reader.count("told.events", 4); left > 0; left--) events.push(readEvent(reader));
  reader.end("told");
  return {
    header,
    events,
    ...(flags & fragmentBit ? { fragment: true } : {}),
    ...(flags & progressBit ? { progress: true } : {}),
    ...(flags & canceledBit ? { canceled: true } : {}),
    ...(cancelReason === undefined ? {} : { cancelReason }),
    ...(compactRevision === 0 ? {} : { compactRevision }),
  };
}

function writeEvent(writer: ByteWriter, { type, pair, previousPair }: WatchEvent): void {
  writer.u8((type === "delete" ? deleteBit : 0) | (previousPair === undefined ? 0 : previousBit));
  writePair(writer, pair);
  if (previousPair !== undefined) writePair(writer, previousPair);
}

function readEvent(reader: ByteReader): WatchEvent {
  const flags = choose(reader, "event.flags", [0, 1, 2, 3]);
  const type = flags & deleteBit ? "delete" : "put";
  const pair = readPair(reader);
  return flags & previousBit ? { type, pair, previousPair: readPair(reader) } : { type, pair };
}

function writePair(writer: ByteWriter, pair: KeyValue): void {
  writer.sizedBytes(pair.key);
  writer.sizedBytes(pair.value);
  writer.varint(pair.createRevision);
  writer.varint(pair.modRevision);
  writer.varint(pair.version);
  writeLease(writer, pair.lease);
}

function readPair(reader: ByteReader): KeyValue {
  return {
    key: reader.sizedBytes("pair.key"),
    value: reader.sizedBytes("pair.value"),
    createRevision: reader.varint("pair.createRevision"),
    modRevision: reader.varint("pair.modRevision"),
    version: reader.varint("pair.version"),
    lease: readLease(reader, "pair.lease"),
  };
}
