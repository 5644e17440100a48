import type { DiskFile } from "../../runtime/index.ts";
import { readConfiguration, writeConfiguration } from "../configuration-codec.ts";
import type { Configuration } from "../configuration.ts";
import type { HardState } from "../entry.ts";
import { encodeFileHeader, readFileHeader } from "./file-header.ts";
import { type LogIdentity, readIdentity, writeIdentity } from "./log-identity.ts";

const magic = "HFLOG\u0000\u00002";

/** A place in the replicated log. */
export interface Position {
  readonly index: number;
  readonly term: number;
}

/** What a segment starts with: all that is needed when the segments before it are gone. */
export interface SegmentHeader {
  readonly identity: LogIdentity;
  /** 1, 2, 3, … without a gap. */
  readonly ordinal: number;
  /** Sequence number of the segment's first record; records count from 1 through all segments. */
  readonly firstSequence: number;
  /** As of the end of the segment before. */
  readonly hardState: HardState;
  /** The log's last entry as of the end of the segment before. */
  readonly last: Position;
  /** The members this node started with, which stay what they were on the first day. */
  readonly bootstrap: Configuration;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  return encodeFileHeader(magic, (writer) => {
    writeIdentity(writer, header.identity);
    writer.varint(header.ordinal);
    writer.varint(header.firstSequence);
    writer.varint(header.hardState.term);
    writer.varint(header.hardState.vote);
    writer.varint(header.last.index);
    writer.varint(header.last.term);
    writeConfiguration(writer, header.bootstrap);
  });
}

/** @throws LogCorruptError: a segment gets its name only once its header is durable, so there are no torn headers */
export function readSegmentHeader(
  path: string,
  file: DiskFile,
): Promise<{ readonly body: SegmentHeader; readonly length: number }> {
  return readFileHeader(path, file, magic, (reader) => ({
    identity: readIdentity(reader),
    ordinal: reader.varint("ordinal"),
    firstSequence: reader.varint("firstSequence"),
    hardState: { term: reader.varint("term"), vote: reader.varint("vote") },
    last: { index: reader.varint("last.index"), term: reader.varint("last.term") },
    bootstrap: readConfiguration(reader),
  }));
}

export function segmentName(ordinal: number): string {
  return `segment-${String(ordinal).padStart(16, "0")}.log`;
}

/** The ordinal in a segment's name; undefined for any other name. */
export function parseSegmentName(name: string): number | undefined {
  const digits = /^segment-(\d{16})\.log$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
