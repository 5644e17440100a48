import { ByteWriter, MalformedError, type ByteReader } from "../../wire/index.ts";
import type { AuthenticateRequest } from "../auth/auth.ts";
import type {
  LeaseKeepAliveResponse,
  LeasesResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "../leases/lease.ts";
import type { LeaseId, RangeRequest } from "../key-value/key-value.ts";
import { choose, readLease, readSigned, writeLease, writeRange, writeSigned } from "../request-codec.ts";
import { requestKinds, type RequestKind } from "./remote-protocol.ts";
import type { WatchRequest } from "../watches/watch.ts";

/** How every request begins. */
export interface RequestHead {
  readonly kind: RequestKind;
  /** Chosen by the client; not that of another request under way. */
  readonly id: number;
}

/** What goes with each request that is answered. */
export interface RequestTerms {
  readonly timeoutMs: number;
  /** Empty without one. */
  readonly token: string;
}

export function writeHead(writer: ByteWriter, kind: RequestKind, id: number): void {
  writer.u8(requestKinds.indexOf(kind));
  writer.varint(id);
}

export function readHead(reader: ByteReader): RequestHead {
  const kind = choose(reader, "request.kind", requestKinds);
  return { kind, id: reader.varint("request.id") };
}

export function writeTerms(writer: ByteWriter, { timeoutMs, token }: RequestTerms): void {
  writer.varint(Math.max(0, Math.floor(timeoutMs)));
  writer.utf8(token);
}

export function readTerms(reader: ByteReader): RequestTerms {
  const timeoutMs = reader.varint("request.timeoutMs");
  return { timeoutMs, token: reader.utf8("request.token") };
}

const content = new ByteWriter(1024);

/** The content of a request, to be kept until it is answered. */
export function encodeContent(write: (writer: ByteWriter) => void): Uint8Array {
  content.clear();
  write(content);
  return content.toBytes();
}

export function encodeRangeRequest(request: RangeRequest): Uint8Array {
  return encodeContent((writer) => writeRange(writer, request));
}

export function encodeLease(id: LeaseId): Uint8Array {
  return encodeContent((writer) => writeLease(writer, id));
}

export function encodeTimeToLiveRequest({ id, keys = false }: LeaseTimeToLiveRequest): Uint8Array {
  return encodeContent((writer) => {
    writeLease(writer, id);
    writer.u8(keys ? 1 : 0);
  });
}

export function readTimeToLiveRequest(reader: ByteReader): LeaseTimeToLiveRequest {
  const id = readLease(reader, "leaseTimeToLive.id");
  return { id, keys: readFlag(reader, "leaseTimeToLive.keys") };
}

export function encodeAuthenticate({ name, password }: AuthenticateRequest): Uint8Array {
  return encodeContent((writer) => {
    writer.utf8(name);
    writer.utf8(password);
  });
}

export function readAuthenticate(reader: ByteReader): AuthenticateRequest {
  const name = reader.utf8("authenticate.name");
  return { name, password: reader.utf8("authenticate.password") };
}

/** A watch, from a revision on, and how many responses may come before more are asked for. */
export interface WatchDemand {
  readonly request: WatchRequest;
  readonly requireLeader: boolean;
  readonly credit: number;
}

const watchFlags = ["previousPairs", "noPut", "noDelete", "progressNotify", "fragment"] as const;

export function writeWatch(writer: ByteWriter, { request, requireLeader, credit }: WatchDemand): void {
  let flags = requireLeader ? 1 << watchFlags.length : 0;
  for (const [at, name] of watchFlags.entries()) if (request[name] === true) flags |= 1 << at;
  writer.u8(flags);
  writer.sizedBytes(request.key);
  writer.sizedBytes(request.rangeEnd ?? new Uint8Array(0));
  writeSigned(writer, request.startRevision ?? 0);
  writeSigned(writer, request.maxBytes ?? 0);
  writer.varint(credit);
}

export function readWatch(reader: ByteReader): WatchDemand {
  const start = reader.offset;
  const flags = reader.u8("watch.flags");
  if (flags >= 2 << watchFlags.length) throw new MalformedError("watch.flags", start, `must be known (got ${flags})`);
  const key = reader.sizedBytes("watch.key");
  const rangeEnd = reader.sizedBytes("watch.rangeEnd");
  const startRevision = readSigned(reader, "watch.startRevision");
  const maxBytes = readSigned(reader, "watch.maxBytes");
  const set = watchFlags.filter((_, at) => flags & (1 << at)).map((name) => [name, true] as const);
  const request: WatchRequest = {
    key,
    ...(rangeEnd.length === 0 ? {} : { rangeEnd }),
    ...(startRevision === 0 ? {} : { startRevision }),
    ...(maxBytes === 0 ? {} : { maxBytes }),
    ...Object.fromEntries(set),
  };
  const requireLeader = (flags & (1 << watchFlags.length)) !== 0;
  return { request, requireLeader, credit: reader.varint("watch.credit") };
}

export function writeKeepAlive(writer: ByteWriter, { id, ttlSeconds }: LeaseKeepAliveResponse): void {
  writeLease(writer, id);
  writer.varint(ttlSeconds);
}

export function readKeepAlive(reader: ByteReader): LeaseKeepAliveResponse {
  const id = readLease(reader, "leaseKeepAlive.id");
  return { id, ttlSeconds: reader.varint("leaseKeepAlive.ttlSeconds") };
}

export function writeTimeToLive(writer: ByteWriter, response: LeaseTimeToLiveResponse): void {
  writeLease(writer, response.id);
  writeSigned(writer, response.ttlSeconds);
  writer.varint(response.grantedTtlSeconds);
  writer.varint(response.keys.length);
  for (const key of response.keys) writer.sizedBytes(key);
}

export function readTimeToLive(reader: ByteReader): LeaseTimeToLiveResponse {
  const id = readLease(reader, "leaseTimeToLive.id");
  const ttlSeconds = readSigned(reader, "leaseTimeToLive.ttlSeconds");
  const grantedTtlSeconds = reader.varint("leaseTimeToLive.grantedTtlSeconds");
  const keys: Uint8Array[] = [];
  for (let left = reader.count("leaseTimeToLive.keys", 1); left > 0; left--) {
    keys.push(reader.sizedBytes("leaseTimeToLive.key"));
  }
  return { id, ttlSeconds, grantedTtlSeconds, keys };
}

export function writeLeases(writer: ByteWriter, { leases }: LeasesResponse): void {
  writer.varint(leases.length);
  for (const id of leases) writeLease(writer, id);
}

export function readLeases(reader: ByteReader): LeasesResponse {
  const leases: LeaseId[] = [];
  for (let left = reader.count("leases", 8); left > 0; left--) leases.push(readLease(reader, "leases.id"));
  return { leases };
}

function readFlag(reader: ByteReader, field: string): boolean {
  return choose(reader, field, [false, true]);
}
