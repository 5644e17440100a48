import { ByteReader, MalformedError, type ByteWriter } from "../../wire/index.ts";

/**
 * The protocol between a client and a member: the preface and a hello one way, a welcome the other, then requests with
 * numbers, answered in any order. All after the preface is frames: a length, what it is, and its content.
 */
export const remotePreface: Uint8Array = new TextEncoder().encode("HFCP/1\r\n");

/** What a client sends, by position on the wire. */
export const requestKinds = [
  "hello",
  "ping",
  "cancel",
  "command",
  "range",
  "leaseKeepAlive",
  "leaseTimeToLive",
  "leases",
  "revision",
  "authenticate",
  "watch",
  "credit",
  "progress",
  /** Sent only to members that have said that they know it. */
  "trace",
] as const;
export type RequestKind = (typeof requestKinds)[number];

/** What a member sends, by position on the wire. */
export const answerKinds = [
  "welcome",
  "goodbye",
  "pong",
  "error",
  "outcome",
  "range",
  "leaseKeepAlive",
  "leaseTimeToLive",
  "leases",
  "revision",
  "token",
  "watching",
  "told",
] as const;
export type AnswerKind = (typeof answerKinds)[number];

/** A client that lets nothing be heard for this long has gone; it sends a ping when it has nothing else to send. */
export const clientSilenceMs = 30_000;
export const pingMs = 5_000;
/** What a client takes in one frame: a range of many keys, say. */
export const maxAnswerBytes: number = 64 * 1024 * 1024;

export interface RemoteHello {
  /** 0n: whatever cluster it is. */
  readonly clusterId: bigint;
}

/** What a member says to a client that it takes. */
export interface RemoteWelcome {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Who leads, as far as it knows; 0n: nobody. */
  readonly leader: bigint;
  /** Requests that may wait for their answers at once on this connection. */
  readonly maxInFlight: number;
  /** The largest frame that it reads. */
  readonly maxFrameBytes: number;
}

export function writeHello(writer: ByteWriter, { clusterId }: RemoteHello): void {
  writer.u8(requestKinds.indexOf("hello"));
  writer.bigU64(clusterId);
}

/** @throws MalformedError */
export function readHello(payload: Uint8Array): RemoteHello {
  const reader = new ByteReader(payload);
  if (requestKinds[reader.u8("hello")] !== "hello") throw new MalformedError("hello", 0, "must come first");
  const clusterId = reader.bigU64("hello.clusterId");
  reader.end("hello");
  return { clusterId };
}

export function writeWelcome(writer: ByteWriter, welcome: RemoteWelcome): void {
  writer.u8(answerKinds.indexOf("welcome"));
  writer.bigU64(welcome.clusterId);
  writer.bigU64(welcome.memberId);
  writer.bigU64(welcome.leader);
  writer.varint(welcome.maxInFlight);
  writer.varint(welcome.maxFrameBytes);
}

export function readWelcome(reader: ByteReader): RemoteWelcome {
  const welcome = {
    clusterId: reader.bigU64("welcome.clusterId"),
    memberId: reader.bigU64("welcome.memberId"),
    leader: reader.bigU64("welcome.leader"),
    maxInFlight: reader.varint("welcome.maxInFlight"),
    maxFrameBytes: reader.varint("welcome.maxFrameBytes"),
  };
  reader.end("welcome");
  return welcome;
}
