import type { Coordinate } from "./coordinate.ts";
import type { Member, MemberAddress } from "./member.ts";

/** Asks `target` for an ack. A member of another name drops it: the address has changed hands. */
export interface Ping {
  readonly type: "ping";
  /** Unsigned 32 bit, as in every message that has one. */
  readonly seq: number;
  readonly target: string;
  readonly source: MemberAddress;
}

/** Asks the receiver to ping `target` on behalf of `source`. */
export interface PingReq {
  readonly type: "pingReq";
  readonly seq: number;
  readonly target: string;
  readonly targetHost: string;
  readonly targetPort: number;
  readonly source: MemberAddress;
  /** Whether `source` wants to be told that the target did not answer in time. */
  readonly wantsNack: boolean;
}

export interface Ack {
  readonly type: "ack";
  readonly seq: number;
  /** Where the sender is in the network's coordinate space; absent in a relayed ack. */
  readonly coordinate?: Coordinate;
}

/** A helper lives but has not heard from the target. */
export interface Nack {
  readonly type: "nack";
  readonly seq: number;
}

export interface AliveUpdate {
  readonly type: "alive";
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly incarnation: number;
}

export interface SuspectUpdate {
  readonly type: "suspect";
  readonly name: string;
  readonly incarnation: number;
  /** Who accuses. */
  readonly from: string;
}

/** The member is dead, or has left when `from` is the member itself. */
export interface DeadUpdate {
  readonly type: "dead";
  readonly name: string;
  readonly incarnation: number;
  readonly from: string;
}

/** Something of the user's for everybody, delivered once for each `id`. */
export interface UserUpdate {
  readonly type: "user";
  readonly id: string;
  readonly payload: Uint8Array;
}

/** All that the sender knows; sent over a stream. */
export interface PushPull {
  readonly type: "pushPull";
  /** Whether the sender wants to join, rather than to compare notes. */
  readonly join: boolean;
  readonly members: readonly Member[];
  /** Whether this answers a `pushPull`. */
  readonly reply: boolean;
}

/** News about a member, carried from member to member. */
export type MemberUpdate = AliveUpdate | SuspectUpdate | DeadUpdate;

/** What is gossiped. */
export type Gossip = MemberUpdate | UserUpdate;

/** Everything members tell each other. A packet is a list of these; `pushPull` comes over streams only. */
export type Message = Ping | PingReq | Ack | Nack | Gossip | PushPull;
