import { ByteReader, ByteWriter, MalformedError } from "../wire/index.ts";
import { brokenRule, type Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";

const version = 1;

/** Writes a configuration: u8 version, five lists of ids, u8 whether to leave, addresses by ascending id. */
export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  writer.u8(version);
  writeIds(writer, configuration.voters);
  writeIds(writer, configuration.votersOutgoing);
  writeIds(writer, configuration.learners);
  writeIds(writer, configuration.learnersNext);
  writeIds(writer, configuration.witnesses);
  writer.u8(configuration.autoLeave ? 1 : 0);
  writer.varint(configuration.addresses.size);
  for (const [id, address] of [...configuration.addresses].sort(([a], [b]) => a - b)) {
    writer.varint(id);
    writer.utf8(address);
  }
}

/** @throws MalformedError also when the configuration breaks a rule */
export function readConfiguration(reader: ByteReader): Configuration {
  const start = reader.offset;
  const theirs = reader.u8("configuration.version");
  if (theirs !== version) {
    throw new MalformedError("configuration.version", start, `must be ${version} (got ${theirs})`);
  }
  const configuration: Configuration = {
    voters: readIds(reader, "configuration.voters"),
    votersOutgoing: readIds(reader, "configuration.votersOutgoing"),
    learners: readIds(reader, "configuration.learners"),
    learnersNext: readIds(reader, "configuration.learnersNext"),
    witnesses: readIds(reader, "configuration.witnesses"),
    autoLeave: reader.u8("configuration.autoLeave") === 1,
    addresses: readAddresses(reader),
  };
  const broken = brokenRule(configuration);
  if (broken !== undefined) throw new MalformedError("configuration", start, `breaks a rule: ${broken}`);
  return configuration;
}

/** The data of a configuration entry. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter();
  writeConfiguration(writer, configuration);
  return writer.toBytes();
}

/** @throws MalformedError */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const reader = new ByteReader(data);
  const configuration = readConfiguration(reader);
  reader.end("configuration");
  return configuration;
}

function writeIds(writer: ByteWriter, ids: readonly NodeId[]): void {
  writer.varint(ids.length);
  for (const id of ids) writer.varint(id);
}

function readIds(reader: ByteReader, field: string): NodeId[] {
  const ids: NodeId[] = [];
  for (let left = reader.count(field, 1); left > 0; left--) ids.push(reader.varint(field));
  return ids;
}

function readAddresses(reader: ByteReader): Map<NodeId, string> {
  const addresses = new Map<NodeId, string>();
  for (let left = reader.count("configuration.addresses", 2); left > 0; left--) {
    addresses.set(reader.varint("configuration.address"), reader.utf8("configuration.address"));
  }
  return addresses;
}
