import { ByteReader, ByteWriter, MalformedError } from "../../wire/index.ts";
import {
  readAuthChange,
  readAuthentication,
  readCaller,
  writeAuthChange,
  writeAuthentication,
  writeCaller,
} from "../auth/auth-codec.ts";
import { readClusterChange, writeClusterChange } from "../cluster/cluster-codec.ts";
import type { Command, CommandOperation } from "./command.ts";
import type { MemberInfo, RequestIdentity } from "../coordination.ts";
import {
  readClockTick,
  readLeaseGrant,
  readLeaseRenewal,
  writeClockTick,
  writeLeaseGrant,
  writeLeaseRenewal,
} from "../leases/lease-codec.ts";
import {
  readDeleteRange,
  readLease,
  readPut,
  readSigned,
  readTxn,
  writeDeleteRange,
  writeLease,
  writePut,
  writeSigned,
  writeTxn,
} from "../request-codec.ts";

/** Version of the format, the first byte of every command. */
const formatVersion = 1;

/** The second byte: which operation, by position, and whether an identity and a caller follow. */
const operations = [
  "put",
  "deleteRange",
  "txn",
  "compact",
  "memberAttributes",
  "leaseGrant",
  "leaseRevoke",
  "leaseKeepAlive",
  "clockTick",
  "auth",
  "authenticate",
  "cluster",
] as const;
const identityFlag = 0x80;
const callerFlag = 0x40;

const writer = new ByteWriter(4096);

/** @throws CoordinationError TOO_MANY_OPERATIONS for transactions nested too deeply */
export function encodeCommand(command: Command): Uint8Array {
  writer.clear();
  const { identity, caller, operation } = command;
  writer.u8(formatVersion);
  const flags = (identity === undefined ? 0 : identityFlag) | (caller === undefined ? 0 : callerFlag);
  writer.u8(operations.indexOf(operation.type) | flags);
  if (identity !== undefined) {
    writer.varint(identity.client);
    writer.varint(identity.sequence);
    writer.varint(identity.acknowledged);
    writer.varint(identity.since ?? 0);
  }
  if (caller !== undefined) writeCaller(writer, caller);
  writeOperation(operation);
  return writer.toBytes();
}

function writeOperation({ type, request }: CommandOperation): void {
  if (type === "put") writePut(writer, request);
  else if (type === "deleteRange") writeDeleteRange(writer, request);
  else if (type === "txn") writeTxn(writer, request);
  else if (type === "compact") writeSigned(writer, request.revision);
  else if (type === "memberAttributes") writeMember(writer, request);
  else if (type === "leaseGrant") writeLeaseGrant(writer, request);
  else if (type === "leaseRevoke") writeLease(writer, request.id);
  else if (type === "leaseKeepAlive") writeLeaseRenewal(writer, request);
  else if (type === "clockTick") writeClockTick(writer, request);
  else if (type === "auth") writeAuthChange(writer, request);
  else if (type === "cluster") writeClusterChange(writer, request);
  else writeAuthentication(writer, request);
}

/** Reads a command; keys and values are views of `bytes`. @throws MalformedError */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const version = reader.u8("command.version");
  if (version !== formatVersion) {
    throw new MalformedError("command.version", 0, `must be ${formatVersion} (got ${version})`);
  }
  const head = reader.u8("command.operation");
  const identity = (head & identityFlag) === 0 ? undefined : readIdentity(reader);
  const caller = (head & callerFlag) === 0 ? undefined : readCaller(reader);
  const operation = readOperation(reader, head & ~(identityFlag | callerFlag));
  reader.end("command");
  if (caller === undefined) return identity === undefined ? { operation } : { identity, operation };
  return identity === undefined ? { caller, operation } : { identity, caller, operation };
}

function readOperation(reader: ByteReader, kind: number): CommandOperation {
  const type = operations[kind];
  switch (type) {
    case "put":
      return { type, request: readPut(reader) };
    case "deleteRange":
      return { type, request: readDeleteRange(reader) };
    case "txn":
      return { type, request: readTxn(reader) };
    case "compact":
      return { type, request: { revision: readSigned(reader, "compact.revision") } };
    case "memberAttributes":
      return { type, request: readMember(reader) };
    case "leaseGrant":
      return { type, request: readLeaseGrant(reader) };
    case "leaseRevoke":
      return { type, request: { id: readLease(reader, "leaseRevoke.id") } };
    case "leaseKeepAlive":
      return { type, request: readLeaseRenewal(reader) };
    case "clockTick":
      return { type, request: readClockTick(reader) };
    case "auth":
      return { type, request: readAuthChange(reader) };
    case "authenticate":
      return { type, request: readAuthentication(reader) };
    case "cluster":
      return { type, request: readClusterChange(reader) };
    default:
      throw new MalformedError("command.operation", 1, `must be below ${operations.length} (got ${kind})`);
  }
}

function readIdentity(reader: ByteReader): RequestIdentity {
  const start = reader.offset;
  const client = reader.varint("identity.client");
  const sequence = reader.varint("identity.sequence");
  const acknowledged = reader.varint("identity.acknowledged");
  const since = reader.varint("identity.since");
  if (client === 0) throw new MalformedError("identity.client", start, "must be positive");
  if (acknowledged >= sequence) {
    throw new MalformedError("identity", start, `must have acknowledged ${acknowledged} < sequence ${sequence}`);
  }
  return since === 0 ? { client, sequence, acknowledged } : { client, sequence, acknowledged, since };
}

/** Also the snapshot's form of a member. */
export function writeMember(writer: ByteWriter, member: MemberInfo): void {
  writer.bigU64(member.id);
  writer.utf8(member.name);
  for (const urls of [member.peerUrls, member.clientUrls, member.httpUrls]) {
    writer.varint(urls.length);
    for (const url of urls) writer.utf8(url);
  }
}

/** @throws MalformedError */
export function readMember(reader: ByteReader): MemberInfo {
  const id = reader.bigU64("member.id");
  const name = reader.utf8("member.name");
  const urls = (field: string): string[] => {
    const list: string[] = [];
    for (let left = reader.count(field, 1); left > 0; left--) list.push(reader.utf8(field));
    return list;
  };
  const peerUrls = urls("member.peerUrls");
  const clientUrls = urls("member.clientUrls");
  return { id, name, peerUrls, clientUrls, httpUrls: urls("member.httpUrls") };
}

/** Reads only whose command it is, undefined for nobody's. @throws MalformedError */
export function decodeIdentity(bytes: Uint8Array): RequestIdentity | undefined {
  const reader = new ByteReader(bytes);
  reader.u8("command.version");
  return (reader.u8("command.operation") & identityFlag) === 0 ? undefined : readIdentity(reader);
}
