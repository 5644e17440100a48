import { MalformedError, type ByteReader, type ByteWriter } from "../../wire/index.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import type { CapturedLease } from "./lease-table.ts";
import { readLease, readSigned, writeLease, writeSigned } from "../request-codec.ts";

/** A grant as the log holds it: with its id. */
export interface LeaseGrant {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
}

/** Leases whose holders are alive. */
export interface LeaseRenewal {
  readonly ids: readonly LeaseId[];
}

/** What the leader of a term says of time: how much has passed since its last tick in this term. */
export interface ClockTick {
  readonly term: number;
  readonly elapsedMs: number;
}

export function writeLeaseGrant(writer: ByteWriter, { id, ttlSeconds }: LeaseGrant): void {
  writeLease(writer, id);
  writeSigned(writer, ttlSeconds);
}

export function readLeaseGrant(reader: ByteReader): LeaseGrant {
  const id = readLease(reader, "leaseGrant.id");
  return { id, ttlSeconds: readSigned(reader, "leaseGrant.ttlSeconds") };
}

export function writeLeaseRenewal(writer: ByteWriter, { ids }: LeaseRenewal): void {
  writer.varint(ids.length);
  for (const id of ids) writeLease(writer, id);
}

export function readLeaseRenewal(reader: ByteReader): LeaseRenewal {
  const ids: LeaseId[] = [];
  for (let left = reader.count("leaseKeepAlive.ids", 8); left > 0; left--) {
    ids.push(readLease(reader, "leaseKeepAlive.ids"));
  }
  return { ids };
}

export function writeClockTick(writer: ByteWriter, { term, elapsedMs }: ClockTick): void {
  writer.varint(term);
  writer.varint(elapsedMs);
}

export function readClockTick(reader: ByteReader): ClockTick {
  const term = reader.varint("clockTick.term");
  return { term, elapsedMs: reader.varint("clockTick.elapsedMs") };
}

/** The snapshot's form of a lease. */
export function writeCapturedLease(writer: ByteWriter, { id, ttlSeconds, deadlineMs }: CapturedLease): void {
  writeLease(writer, id);
  writer.varint(ttlSeconds);
  writer.varint(deadlineMs === undefined ? 0 : deadlineMs + 1);
}

/** @throws MalformedError */
export function readCapturedLease(reader: ByteReader): CapturedLease {
  const start = reader.offset;
  const id = readLease(reader, "lease.id");
  const ttlSeconds = reader.varint("lease.ttlSeconds");
  const deadlineMs = reader.varint("lease.deadlineMs");
  if (id === 0n || ttlSeconds === 0) throw new MalformedError("lease", start, "must have an id and a time to live");
  return { id, ttlSeconds, deadlineMs: deadlineMs === 0 ? undefined : deadlineMs - 1 };
}
