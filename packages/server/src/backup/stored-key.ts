import { toBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import type { StoredVersion } from "holdfast/coordination";
import type { Entry } from "../bbolt/entry.ts";
import { wireType } from "../etcd/wire-type.ts";
import { readRevision, revisionBytes, writeRevision } from "./stored-revision.ts";

const keyValue = wireType("KeyValue");

/** Numbers of fields, as tags: of `mvccpb.KeyValue`, whose zero fields are left out. */
const tags = { key: 0x0a, createRevision: 0x10, modRevision: 0x18, version: 0x20, value: 0x2a, lease: 0x30 } as const;

interface KeyValueMessage {
  readonly key: Buffer;
  readonly create_revision: WireInteger;
  readonly mod_revision: WireInteger;
  readonly version: WireInteger;
  readonly value: Buffer;
  readonly lease: WireInteger;
}

/** A version as an entry of the bucket `key`. Encoded by hand: there may be millions, and each is measured first. */
export function versionEntry(stored: StoredVersion): Entry {
  const { key, value, modRevision, subRevision, createRevision, version } = stored;
  const lease = BigInt.asUintN(64, stored.lease);
  const isTombstone = value === undefined;
  const keyBytes = revisionBytes + (isTombstone ? 1 : 0);
  let valueBytes = sizedBytes(key.length);
  if (!isTombstone) {
    valueBytes += numberBytes(createRevision) + numberBytes(modRevision) + numberBytes(version);
    if (value.length > 0) valueBytes += sizedBytes(value.length);
    if (lease !== 0n) valueBytes += 1 + bigVarintBytes(lease);
  }
  const writeKey = (target: Buffer, at: number): void =>
    writeRevision(target, at, { main: modRevision, sub: subRevision, isTombstone });
  return {
    keyBytes,
    valueBytes,
    writeKey,
    write(target, start) {
      writeKey(target, start);
      let at = writeText(target, start + keyBytes, tags.key, key);
      if (isTombstone) return;
      at = writeNumber(target, at, tags.createRevision, createRevision);
      at = writeNumber(target, at, tags.modRevision, modRevision);
      at = writeNumber(target, at, tags.version, version);
      if (value.length > 0) at = writeText(target, at, tags.value, value);
      if (lease !== 0n) writeBigNumber(target, at, tags.lease, lease);
    },
  };
}

/** @throws Error when the entry is none */
export function readVersion(revision: Buffer, bytes: Buffer): StoredVersion {
  const { main: modRevision, sub: subRevision, isTombstone } = readRevision(revision);
  const { key, create_revision, version, value, lease } = keyValue.decode(bytes) as KeyValueMessage;
  return {
    key: key.toString("latin1"),
    value: isTombstone ? undefined : value.toString("latin1"),
    modRevision,
    subRevision,
    createRevision: isTombstone ? 0 : toSafeInteger(create_revision),
    version: isTombstone ? 0 : toSafeInteger(version),
    lease: isTombstone ? 0n : toBigInt(lease),
  };
}

function sizedBytes(length: number): number {
  return 1 + varintBytes(length) + length;
}

function numberBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** Seven bits a byte. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function bigVarintBytes(value: bigint): number {
  let bytes = 1;
  for (let rest = value; rest >= 128n; rest >>= 7n) bytes++;
  return bytes;
}

function writeText(target: Buffer, start: number, tag: number, text: string): number {
  target[start] = tag;
  const at = writeVarint(target, start + 1, text.length);
  return at + target.write(text, at, "latin1");
}

function writeNumber(target: Buffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  target[at] = tag;
  return writeVarint(target, at + 1, value);
}

function writeVarint(target: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 128;
  target[at++] = rest;
  return at;
}

function writeBigNumber(target: Buffer, start: number, tag: number, value: bigint): void {
  target[start] = tag;
  let at = start + 1;
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) target[at++] = Number(rest & 127n) | 128;
  target[at] = Number(rest);
}
