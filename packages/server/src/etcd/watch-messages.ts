import { Buffer } from "node:buffer";
import type { ResponseHeader, WatchEvent, WatchRequest, WatchResponse } from "holdfast/coordination";
import { framed, prefixBytes } from "../grpc/message-reader.ts";
import { bytes } from "./requests.ts";
import { fromHeader, fromPair } from "./responses.ts";
import { fromBigInt, toBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import { wireType, type WireMessage } from "./wire-type.ts";

interface CreateMessage {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly start_revision: WireInteger;
  readonly progress_notify: boolean;
  readonly filters: readonly number[];
  readonly prev_kv: boolean;
  readonly watch_id: WireInteger;
  readonly fragment: boolean;
}

/** One message of the caller; undefined for one that asks for nothing, which is ignored, as by etcd. */
export type WatchDemand =
  | { readonly type: "create"; readonly id: bigint; readonly request: WatchRequest }
  | { readonly type: "cancel"; readonly id: bigint }
  | { readonly type: "progress" };

const firstKey = new Uint8Array(1);

/** @param maxFragmentBytes above which what one revision changed is split, if the caller asks for that */
export function toWatchDemand(message: WireMessage, maxFragmentBytes: number): WatchDemand | undefined {
  const { create_request, cancel_request, progress_request } = message as {
    readonly create_request: CreateMessage | null;
    readonly cancel_request: { readonly watch_id: WireInteger } | null;
    readonly progress_request: object | null;
  };
  if (create_request) {
    return {
      type: "create",
      id: toBigInt(create_request.watch_id),
      request: toWatch(create_request, maxFragmentBytes),
    };
  }
  if (cancel_request) return { type: "cancel", id: toBigInt(cancel_request.watch_id) };
  return progress_request ? { type: "progress" } : undefined;
}

/**
 * Of one response, unless one revision is more: of a caller that does not read, each watch holds one. Much larger ones would
 * not be cheaper.
 */
const maxResponseBytes = 64 * 1024;

function toWatch(create: CreateMessage, maxFragmentBytes: number): WatchRequest {
  return {
    key: create.key.length === 0 ? firstKey : bytes(create.key),
    rangeEnd: bytes(create.range_end),
    startRevision: Math.max(0, toSafeInteger(create.start_revision)),
    previousPairs: create.prev_kv,
    noPut: create.filters.includes(0),
    noDelete: create.filters.includes(1),
    progressNotify: create.progress_notify,
    fragment: create.fragment,
    maxBytes: create.fragment ? maxFragmentBytes : maxResponseBytes,
  };
}

/** Whether a range ends where it begins, or before. */
export function isEmptyRange({ key, rangeEnd = key.subarray(0, 0) }: WatchRequest): boolean {
  if (rangeEnd.length === 0 || (rangeEnd.length === 1 && rangeEnd[0] === 0)) return false;
  return Buffer.compare(key, rangeEnd) >= 0;
}

/** What is told of a watch besides what happens: that it exists, that it is over, or how far it is. */
export interface WatchNotice {
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compactRevision?: number;
  readonly cancelReason?: string;
}

export function fromNotice(id: bigint, header: ResponseHeader, notice: WatchNotice = {}): WireMessage {
  return {
    header: fromHeader(header),
    watch_id: id === 0n ? undefined : fromBigInt(id),
    created: notice.created,
    canceled: notice.canceled,
    compact_revision: notice.compactRevision,
    cancel_reason: notice.cancelReason,
  };
}

export function fromWatchResponse(id: bigint, response: WatchResponse): WireMessage {
  return {
    header: headerOf(response),
    watch_id: id === 0n ? undefined : fromBigInt(id),
    fragment: response.fragment,
    events: response.events.map(fromEvent),
  };
}

/** As from etcd, which says of the past what the present revision is. */
function headerOf({ header, presentRevision = header.revision }: WatchResponse): WireMessage {
  return fromHeader({ ...header, revision: presentRevision });
}

function fromEvent({ type, pair, previousPair }: WatchEvent): WireMessage {
  return {
    type: type === "delete" ? 1 : undefined,
    kv: type === "delete" ? { key: pair.key, mod_revision: pair.modRevision } : fromPair(pair),
    prev_kv: previousPair && fromPair(previousPair),
  };
}

const responseType = wireType("WatchResponse");

/** A response's bytes before and after the field that says whose it is. */
interface SharedBytes {
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly response: WatchResponse;
}

/**
 * Many watchers get the very same events: all but their ids is encoded once. By the last event: responses that end with
 * the same one, and hold as many, hold the same.
 */
const shared = new WeakMap<WatchEvent, SharedBytes>();

function sharedBytes(response: WatchResponse): SharedBytes {
  const last = response.events.at(-1);
  const known = last && shared.get(last);
  if (known !== undefined && isSame(known.response, response)) return known;
  const bytes = {
    head: responseType.encode({ header: headerOf(response) }),
    tail: responseType.encode({ fragment: response.fragment, events: response.events.map(fromEvent) }),
    response,
  };
  if (last !== undefined) shared.set(last, bytes);
  return bytes;
}

function isSame(one: WatchResponse, other: WatchResponse): boolean {
  if (one === other) return true;
  return (
    one.events.length === other.events.length &&
    one.events[0] === other.events[0] &&
    one.fragment === other.fragment &&
    one.header.revision === other.header.revision &&
    one.presentRevision === other.presentRevision &&
    one.header.term === other.header.term
  );
}

/** One message, ready to be written into a run of framed messages. */
export interface FramedMessage {
  readonly size: number;
  /** Writes `size` bytes. */
  write(target: Buffer, at: number): void;
}

export function frameNotice(message: WireMessage): FramedMessage {
  const bytes = framed(responseType.encode(message));
  return { size: bytes.length, write: (target, at) => target.set(bytes, at) };
}

/** The bytes of the field that names a watch. */
export function encodeWatchId(id: bigint): Buffer {
  return responseType.encode({ watch_id: id === 0n ? undefined : fromBigInt(id) });
}

/** Joins what all watchers get with a watch's id: fields of a message may be written one after the other (protobuf). */
export function frameWatchResponse(id: Buffer, response: WatchResponse): FramedMessage {
  const { head, tail } = sharedBytes(response);
  const length = head.length + id.length + tail.length;
  return {
    size: prefixBytes + length,
    write(target, at) {
      target[at] = 0;
      target.writeUInt32BE(length, at + 1);
      target.set(head, at + prefixBytes);
      target.set(id, at + prefixBytes + head.length);
      target.set(tail, at + prefixBytes + head.length + id.length);
    },
  };
}
