import { MalformedError, type ByteReader, type ByteWriter } from "../wire/index.ts";
import { CoordinationError } from "./coordination-error.ts";
import type {
  Compare,
  CompareResult,
  DeleteRangeRequest,
  LeaseId,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "./key-value/key-value.ts";
import { sortOrders, sortTargets } from "./key-value/validate-request.ts";

/** Transactions inside each other, at most: more than any limit on operations lets through, less than the stack holds. */
export const maxDepth = 256;

const operationTypes = ["range", "put", "deleteRange", "txn"] as const;
const compareTargets: readonly Compare["target"][] = ["version", "create", "mod", "value", "lease"];
const compareResults: readonly CompareResult[] = ["equal", "greater", "less", "notEqual"];

export function writePut(writer: ByteWriter, request: PutRequest): void {
  const lease = request.lease ?? 0n;
  writer.u8(flags(request.previousPair, request.ignoreValue, request.ignoreLease, lease !== 0n));
  writer.sizedBytes(request.key);
  writer.sizedBytes(request.value);
  if (lease !== 0n) writeLease(writer, lease);
}

export function readPut(reader: ByteReader): PutRequest {
  const set = readFlags(reader, "put.flags", 4);
  const key = reader.sizedBytes("put.key");
  const value = reader.sizedBytes("put.value");
  if (set === 0) return { key, value };
  return {
    key,
    value,
    ...(set & 1 ? { previousPair: true } : {}),
    ...(set & 2 ? { ignoreValue: true } : {}),
    ...(set & 4 ? { ignoreLease: true } : {}),
    ...(set & 8 ? { lease: readLease(reader, "put.lease") } : {}),
  };
}

export function writeDeleteRange(writer: ByteWriter, request: DeleteRangeRequest): void {
  writer.u8(flags(request.previousPairs));
  writer.sizedBytes(request.key);
  writeRangeEnd(writer, request.rangeEnd);
}

export function readDeleteRange(reader: ByteReader): DeleteRangeRequest {
  const set = readFlags(reader, "deleteRange.flags", 1);
  const key = reader.sizedBytes("deleteRange.key");
  return {
    key,
    ...readRangeEnd(reader, "deleteRange.rangeEnd"),
    ...(set & 1 ? { previousPairs: true } : {}),
  };
}

/** @throws CoordinationError TOO_MANY_OPERATIONS for transactions nested too deeply */
export function writeTxn(writer: ByteWriter, request: TxnRequest, depth: number = 1): void {
  if (depth > maxDepth) throw new CoordinationError("TOO_MANY_OPERATIONS");
  writer.varint(request.compare.length);
  for (const condition of request.compare) writeCompare(writer, condition);
  for (const operations of [request.success, request.failure]) {
    writer.varint(operations.length);
    for (const operation of operations) writeOperation(writer, operation, depth);
  }
}

export function readTxn(reader: ByteReader, depth: number = 1): TxnRequest {
  if (depth > maxDepth) throw new MalformedError("txn", reader.offset, `must be nested at most ${maxDepth} deep`);
  const compare: Compare[] = [];
  for (let left = reader.count("txn.compare", 4); left > 0; left--) compare.push(readCompare(reader));
  const success: RequestOp[] = [];
  for (let left = reader.count("txn.success", 4); left > 0; left--) success.push(readOperation(reader, depth));
  const failure: RequestOp[] = [];
  for (let left = reader.count("txn.failure", 4); left > 0; left--) failure.push(readOperation(reader, depth));
  return { compare, success, failure };
}

/** A safe integer of either sign: the sign, then the magnitude. */
export function writeSigned(writer: ByteWriter, value: number): void {
  writer.u8(value < 0 ? 1 : 0);
  writer.varint(Math.abs(value));
}

export function readSigned(reader: ByteReader, field: string): number {
  const negative = readFlags(reader, field, 1) === 1;
  const magnitude = reader.varint(field);
  return negative && magnitude > 0 ? -magnitude : magnitude;
}

export function writeLease(writer: ByteWriter, lease: LeaseId): void {
  writer.bigU64(BigInt.asUintN(64, lease));
}

export function readLease(reader: ByteReader, field: string): LeaseId {
  return BigInt.asIntN(64, reader.bigU64(field));
}

function writeOperation(writer: ByteWriter, operation: RequestOp, depth: number): void {
  writer.u8(operationTypes.indexOf(operation.type));
  if (operation.type === "range") writeRange(writer, operation.request);
  else if (operation.type === "put") writePut(writer, operation.request);
  else if (operation.type === "deleteRange") writeDeleteRange(writer, operation.request);
  else writeTxn(writer, operation.request, depth + 1);
}

function readOperation(reader: ByteReader, depth: number): RequestOp {
  const type = choose(reader, "operation.type", operationTypes);
  if (type === "range") return { type, request: readRange(reader) };
  if (type === "put") return { type, request: readPut(reader) };
  if (type === "deleteRange") return { type, request: readDeleteRange(reader) };
  return { type, request: readTxn(reader, depth + 1) };
}

export function writeRange(writer: ByteWriter, request: RangeRequest): void {
  const numbers = numbersOf(request);
  writer.u8(flags(request.serializable, request.keysOnly, request.countOnly));
  writer.u8(sortOrders.indexOf(request.sortOrder ?? "none"));
  writer.u8(sortTargets.indexOf(request.sortTarget ?? "key"));
  // Which of the numbers follow.
  writer.u8(flags(...numbers.map((number) => number !== 0)));
  for (const number of numbers) if (number !== 0) writeSigned(writer, number);
  writer.sizedBytes(request.key);
  writeRangeEnd(writer, request.rangeEnd);
}

export function readRange(reader: ByteReader): RangeRequest {
  const set = readFlags(reader, "range.flags", 3);
  const sortOrder = choose(reader, "range.sortOrder", sortOrders);
  const sortTarget = choose(reader, "range.sortTarget", sortTargets);
  const present = readFlags(reader, "range.numbers", rangeNumbers.length);
  const numbers: { [name in (typeof rangeNumbers)[number]]?: number } = {};
  for (const [position, name] of rangeNumbers.entries()) {
    if (present & (1 << position)) numbers[name] = readSigned(reader, `range.${name}`);
  }
  return {
    key: reader.sizedBytes("range.key"),
    ...readRangeEnd(reader, "range.rangeEnd"),
    ...numbers,
    ...(sortOrder === "none" ? {} : { sortOrder }),
    ...(sortTarget === "key" ? {} : { sortTarget }),
    ...(set & 1 ? { serializable: true } : {}),
    ...(set & 2 ? { keysOnly: true } : {}),
    ...(set & 4 ? { countOnly: true } : {}),
  };
}

const rangeNumbers = [
  "limit",
  "revision",
  "minModRevision",
  "maxModRevision",
  "minCreateRevision",
  "maxCreateRevision",
] as const;

function numbersOf(request: RangeRequest): number[] {
  return rangeNumbers.map((name) => request[name] ?? 0);
}

function writeCompare(writer: ByteWriter, condition: Compare): void {
  writer.u8(compareTargets.indexOf(condition.target));
  writer.u8(compareResults.indexOf(condition.result));
  writer.sizedBytes(condition.key);
  writeRangeEnd(writer, condition.rangeEnd);
  if (condition.target === "value") writer.sizedBytes(condition.operand);
  else if (condition.target === "lease") writeLease(writer, condition.operand);
  else writeSigned(writer, condition.operand);
}

function readCompare(reader: ByteReader): Compare {
  const target = choose(reader, "compare.target", compareTargets);
  const result = choose(reader, "compare.result", compareResults);
  const range = { key: reader.sizedBytes("compare.key"), ...readRangeEnd(reader, "compare.rangeEnd") };
  if (target === "value") return { ...range, result, target, operand: reader.sizedBytes("compare.operand") };
  if (target === "lease") return { ...range, result, target, operand: readLease(reader, "compare.operand") };
  return { ...range, result, target, operand: readSigned(reader, "compare.operand") };
}

/** An absent range end and an empty one mean the same, so they are written alike. */
function writeRangeEnd(writer: ByteWriter, rangeEnd: Uint8Array | undefined): void {
  if (rangeEnd === undefined) writer.varint(0);
  else writer.sizedBytes(rangeEnd);
}

function readRangeEnd(reader: ByteReader, field: string): { readonly rangeEnd?: Uint8Array } {
  const rangeEnd = reader.sizedBytes(field);
  return rangeEnd.length === 0 ? {} : { rangeEnd };
}

function flags(...set: readonly (boolean | undefined)[]): number {
  let bits = 0;
  for (const [position, flag] of set.entries()) if (flag === true) bits |= 1 << position;
  return bits;
}

function readFlags(reader: ByteReader, field: string, count: number): number {
  const start = reader.offset;
  const bits = reader.u8(field);
  if (bits >= 1 << count) throw new MalformedError(field, start, `must be below ${1 << count} (got ${bits})`);
  return bits;
}

/** One byte, the position of one of the choices. */
export function choose<T>(reader: ByteReader, field: string, choices: readonly T[]): T {
  const start = reader.offset;
  const choice = choices[reader.u8(field)];
  if (choice === undefined) throw new MalformedError(field, start, `must be below ${choices.length}`);
  return choice;
}
