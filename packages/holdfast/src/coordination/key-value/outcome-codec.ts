import { ByteReader, ByteWriter, MalformedError } from "../../wire/index.ts";
import type { Applied, Outcome, OperationAnswer } from "./command.ts";
import { CoordinationError, coordinationErrors, type CoordinationErrorCode } from "../coordination-error.ts";
import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
} from "./key-value.ts";
import type { LeaseRenewals } from "../leases/lease-keep-alives.ts";
import { choose, maxDepth, readLease, writeLease } from "../request-codec.ts";

const kinds = [
  "put",
  "deleteRange",
  "txn",
  "compact",
  "memberAttributes",
  "refused",
  "leaseGrant",
  "leaseRevoke",
  "leaseKeepAlive",
  "clockTick",
  "auth",
  "authenticate",
  "cluster",
] as const;
const responseTypes = ["range", "put", "deleteRange", "txn"] as const;

const writer = new ByteWriter(4096);
/** How long the outcome being written may get, and whether it got longer. */
let room = 0;
let overflown = false;

/**
 * An outcome as bytes that share nothing with it, for the sessions to keep. Undefined when its pairs do not fit into
 * `maxBytes`, and for one that is MALFORMED: such a command has no session.
 */
export function encodeOutcome(outcome: Outcome, maxBytes: number): Uint8Array | undefined {
  if (outcome.type === "refused" && !(outcome.error instanceof CoordinationError)) return undefined;
  writer.clear();
  room = maxBytes;
  overflown = false;
  writer.u8(kinds.indexOf(outcome.type));
  if (outcome.type === "refused") {
    writer.utf8(outcome.error.code);
    return writer.toBytes();
  }
  writer.varint(outcome.revision);
  if (outcome.type === "put") writePutResponse(outcome.response);
  else if (outcome.type === "deleteRange") writeDeleteRangeResponse(outcome.response);
  else if (outcome.type === "txn") writeTxnResponse(outcome.response);
  else if (outcome.type === "leaseGrant") {
    writeLease(writer, outcome.response.id);
    writer.varint(outcome.response.ttlSeconds);
  } else if (outcome.type === "leaseKeepAlive") writeRenewals(outcome.response);
  else if (outcome.type === "clockTick") writer.varint(outcome.response.expired);
  else if (outcome.type === "auth") writer.varint(outcome.response.authRevision);
  return overflown ? undefined : writer.toBytes();
}

/** @throws MalformedError */
export function decodeOutcome(bytes: Uint8Array): Outcome {
  const reader = new ByteReader(bytes);
  const type = choose(reader, "outcome.kind", kinds);
  if (type === "refused") {
    const start = reader.offset;
    const code = reader.utf8("outcome.code");
    if (!Object.hasOwn(coordinationErrors, code))
      throw new MalformedError("outcome.code", start, "must be a known code");
    reader.end("outcome");
    return { type, error: new CoordinationError(code as CoordinationErrorCode) };
  }
  const revision = reader.varint("outcome.revision");
  const outcome: Applied = { ...readAnswer(reader, type), revision };
  reader.end("outcome");
  return outcome;
}

function readAnswer(reader: ByteReader, type: OperationAnswer["type"]): OperationAnswer {
  if (type === "put") return { type, response: readPutResponse(reader) };
  if (type === "deleteRange") return { type, response: readDeleteRangeResponse(reader) };
  if (type === "txn") return { type, response: readTxnResponse(reader) };
  if (type === "leaseKeepAlive") return { type, response: readRenewals(reader) };
  if (type === "clockTick") return { type, response: { expired: reader.varint("clockTick.expired") } };
  if (type === "auth") return { type, response: { authRevision: reader.varint("auth.authRevision") } };
  if (type === "leaseGrant") {
    const id = readLease(reader, "leaseGrant.id");
    return { type, response: { id, ttlSeconds: reader.varint("leaseGrant.ttlSeconds") } };
  }
  return { type, response: {} };
}

function writeRenewals({ ttlSeconds }: LeaseRenewals): void {
  writer.varint(ttlSeconds.length);
  for (const seconds of ttlSeconds) writer.varint(seconds);
  overflown ||= writer.length > room;
}

function readRenewals(reader: ByteReader): LeaseRenewals {
  const ttlSeconds: number[] = [];
  for (let left = reader.count("leaseKeepAlive.ttlSeconds", 1); left > 0; left--) {
    ttlSeconds.push(reader.varint("leaseKeepAlive.ttlSeconds"));
  }
  return { ttlSeconds };
}

function writePutResponse({ previousPair }: PutResponse): void {
  writePairs(previousPair === undefined ? [] : [previousPair]);
}

function readPutResponse(reader: ByteReader): PutResponse {
  const previousPair = readPairs(reader).at(0);
  return previousPair === undefined ? {} : { previousPair };
}

function writeDeleteRangeResponse({ deleted, previousPairs }: DeleteRangeResponse): void {
  writer.varint(deleted);
  writePairs(previousPairs);
}

function readDeleteRangeResponse(reader: ByteReader): DeleteRangeResponse {
  const deleted = reader.varint("deleteRange.deleted");
  return { deleted, previousPairs: readPairs(reader) };
}

function writeRangeResponse({ pairs, more, count }: RangeResponse): void {
  writer.u8(more ? 1 : 0);
  writer.varint(count);
  writePairs(pairs);
}

/** @throws MalformedError */
export function readRangeResponse(reader: ByteReader): RangeResponse {
  const more = choose(reader, "range.more", [false, true]);
  const count = reader.varint("range.count");
  return { pairs: readPairs(reader), more, count };
}

/** The answer to a range, as an outcome has it. */
export function encodeRangeResponse(response: RangeResponse): Uint8Array {
  writer.clear();
  room = Infinity;
  overflown = false;
  writeRangeResponse(response);
  return writer.toBytes();
}

function writeTxnResponse({ succeeded, responses }: TxnResponse): void {
  writer.u8(succeeded ? 1 : 0);
  writer.varint(responses.length);
  for (const answer of responses) {
    writer.u8(responseTypes.indexOf(answer.type));
    if (answer.type === "range") writeRangeResponse(answer.response);
    else if (answer.type === "put") writePutResponse(answer.response);
    else if (answer.type === "deleteRange") writeDeleteRangeResponse(answer.response);
    else writeTxnResponse(answer.response);
  }
}

function readTxnResponse(reader: ByteReader, depth: number = 1): TxnResponse {
  if (depth > maxDepth) throw new MalformedError("txn", reader.offset, `must be nested at most ${maxDepth} deep`);
  const succeeded = choose(reader, "txn.succeeded", [false, true]);
  const responses: ResponseOp[] = [];
  for (let left = reader.count("txn.responses", 2); left > 0; left--) {
    const type = choose(reader, "txn.response", responseTypes);
    if (type === "range") responses.push({ type, response: readRangeResponse(reader) });
    else if (type === "put") responses.push({ type, response: readPutResponse(reader) });
    else if (type === "deleteRange") responses.push({ type, response: readDeleteRangeResponse(reader) });
    else responses.push({ type, response: readTxnResponse(reader, depth + 1) });
  }
  return { succeeded, responses };
}

function writePairs(pairs: readonly KeyValue[]): void {
  writer.varint(pairs.length);
  for (const { key, value, createRevision, modRevision, version, lease } of pairs) {
    overflown ||= writer.length + key.length + value.length > room;
    if (overflown) return;
    writer.sizedBytes(key);
    writer.sizedBytes(value);
    writer.varint(createRevision);
    writer.varint(modRevision);
    writer.varint(version);
    writeLease(writer, lease);
  }
}

function readPairs(reader: ByteReader): KeyValue[] {
  const pairs: KeyValue[] = [];
  for (let left = reader.count("pairs", 13); left > 0; left--) {
    pairs.push({
      key: reader.sizedBytes("pair.key"),
      value: reader.sizedBytes("pair.value"),
      createRevision: reader.varint("pair.createRevision"),
      modRevision: reader.varint("pair.modRevision"),
      version: reader.varint("pair.version"),
      lease: readLease(reader, "pair.lease"),
    });
  }
  return pairs;
}
