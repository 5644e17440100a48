import { ByteReader, type ByteWriter, MalformedError } from "../wire/index.ts";
import type { Entry, EntryKind } from "./entry.ts";

// The order is the format: on the wire and on the disk a kind is its position here.
const kinds: readonly EntryKind[] = ["noop", "command", "configuration", "omitted"];
const kindCode: Readonly<Record<EntryKind, number>> = { noop: 0, command: 1, configuration: 2, omitted: 3 };
/** Kind, index, term and an empty data's length take a byte each at least. */
const minEntryBytes = 4;

/**
 * Writes one entry: u8 kind, varint index, varint term, varint length, data.
 *
 * Nothing is kept for the next time the same entry is written: an encoding of its own for every entry, kept with it,
 * costs ten times as much as writing the entry straight to where it is needed.
 */
export function encodeEntry(writer: ByteWriter, entry: Entry): void {
  writer.u8(kindCode[entry.kind]);
  writer.varint(entry.index);
  writer.varint(entry.term);
  writer.sizedBytes(entry.data);
}

/** Reads one entry, whose data is a view of what `reader` reads. @throws MalformedError */
export function decodeEntry(reader: ByteReader): Entry {
  const start = reader.offset;
  const code = reader.u8("entry.kind");
  const kind = kinds[code];
  if (kind === undefined) throw new MalformedError("entry.kind", start, `must be 0 to 3 (got ${code})`);
  const index = reader.varint("entry.index");
  if (index === 0) throw new MalformedError("entry.index", start + 1, "must be at least 1 (got 0)");
  return { index, term: reader.varint("entry.term"), kind, data: reader.sizedBytes("entry.data") };
}

/** Writes consecutive entries: varint count, u32 bytes of all of them together, entries. */
export function encodeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.varint(entries.length);
  const at = writer.skip(4);
  for (const entry of entries) encodeEntry(writer, entry);
  writer.setU32(at, writer.length - at - 4);
}

/**
 * Reads what `encodeEntries` wrote. The bytes of all entries are copied once, together, and each entry's data is a
 * view of that copy: entries keep each other alive, but never the network buffer or the file they came from.
 *
 * @throws MalformedError also when the indexes are not consecutive
 */
export function decodeEntries(reader: ByteReader): Entry[] {
  const count = reader.count("entries.count", minEntryBytes);
  const start = reader.offset;
  const region = new ByteReader(reader.bytes(reader.u32("entries.bytes"), "entries").slice());
  if (count * minEntryBytes > region.remaining) {
    throw new MalformedError("entries.count", start, `must fit in ${region.remaining} bytes (got ${count})`);
  }
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const at = region.offset;
    const entry = decodeEntry(region);
    const expected = i === 0 ? entry.index : entries[0]!.index + i;
    if (entry.index !== expected) {
      throw new MalformedError("entry.index", start + 4 + at, `must be ${expected}, the next one (got ${entry.index})`);
    }
    entries.push(entry);
  }
  region.end("entries");
  return entries;
}
