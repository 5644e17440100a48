import { ByteReader, type ByteWriter, MalformedError } from "../../wire/index.ts";
import { decodeEntries, encodeEntries } from "../entry-codec.ts";
import type { LogBatch } from "./durable-log.ts";

const hasHardState = 1;
const hasReset = 2;

/** Writes a batch: u8 of what is there, hard state, reset, entries. */
export function encodeBatch(writer: ByteWriter, batch: LogBatch): void {
  const { hardState, reset, entries } = batch;
  writer.u8((hardState === undefined ? 0 : hasHardState) | (reset === undefined ? 0 : hasReset));
  if (hardState !== undefined) {
    writer.varint(hardState.term);
    writer.varint(hardState.vote);
  }
  if (reset !== undefined) {
    writer.varint(reset.index);
    writer.varint(reset.term);
  }
  encodeEntries(writer, entries);
}

/** Reads what `encodeBatch` wrote, keeping nothing of `bytes`. @throws MalformedError */
export function decodeBatch(bytes: Uint8Array): LogBatch {
  const reader = new ByteReader(bytes);
  const parts = reader.u8("batch.parts");
  if (parts > (hasHardState | hasReset)) throw new MalformedError("batch.parts", 0, `must be at most 3 (got ${parts})`);
  const hardState =
    (parts & hasHardState) === 0 ? undefined : { term: reader.varint("term"), vote: reader.varint("vote") };
  const reset =
    (parts & hasReset) === 0 ? undefined : { index: reader.varint("reset.index"), term: reader.varint("reset.term") };
  const entries = decodeEntries(reader);
  reader.end("batch");
  return { ...(hardState && { hardState }), ...(reset && { reset }), entries };
}
