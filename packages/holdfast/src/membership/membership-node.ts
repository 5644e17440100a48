import type { Address, Runtime } from "../runtime/index.ts";
import { startMembership } from "./driver.ts";
import type { MembershipListener } from "./driver-events.ts";
import type { Keyring } from "./keyring.ts";
import type { Member } from "./member.ts";
import { checkMembershipOptions } from "./membership-node-options.ts";
import type { SwimProfile, SwimTiming } from "./swim-options.ts";
import type { SwimCounts } from "./swim.ts";
import type { TransportMetrics } from "./transport-metrics.ts";

export interface MembershipOptions {
  readonly runtime: Runtime;
  /** Unique in the cluster; 1 to 128 bytes of UTF-8. */
  readonly name: string;
  /** Where the others reach this member: an address, or a name they can resolve. */
  readonly host: string;
  /** For datagrams and streams both. Default 0: one that is free. */
  readonly port?: number;
  /** The local address to listen on, where it is another than `host`. */
  readonly listenHost?: string;
  /** Members to join through, any that answer. They are asked in the background, and again while they are no members. */
  readonly seeds?: readonly Address[];
  /** What the others should know of this member; at most 512 bytes. Default none. */
  readonly meta?: Uint8Array;
  /** Seals every packet and stream; all members need a key in common. Default: nothing is sealed. */
  readonly keyring?: Keyring;
  /** Keeps clusters apart: what carries another label is dropped. At most 64 bytes of UTF-8. Default none. */
  readonly label?: string;
  /** Default `lan`. */
  readonly profile?: SwimProfile;
  /** Single times that are other than the profile's. */
  readonly timing?: Partial<SwimTiming>;
  /**
   * How far the clocks of two members may lie apart, for sealed packets: one that is older or younger is dropped as a
   * recording. Infinity trusts no clock, and forgets recordings of members' former lives. Default 5 minutes.
   */
  readonly maxClockSkewMs?: number;
  /** The largest datagram sent, 512 to 8 192. Default 1 400, which fits the paths of the internet. */
  readonly packetBytes?: number;
  /** The largest list of members taken from a stream. Default 4 MiB. */
  readonly maxStreamBytes?: number;
  /** Subscribed before anything happens. */
  readonly onEvent?: MembershipListener;
}

export interface MembershipMetrics extends Readonly<TransportMetrics>, Readonly<SwimCounts> {
  /** Members believed alive or suspected, this one included. */
  readonly members: number;
  /** Lifeguard's local health: 0 is best, and probes take one more interval with each point. */
  readonly localHealth: number;
  /** The longest time this process was held up; how often is `stalls`. */
  readonly longestStallMs: number;
  /** Exceptions from listeners. */
  readonly listenerFailures: number;
}

/** One running member of a cluster that watches itself. */
export interface Membership extends AsyncDisposable {
  readonly name: string;
  /** Where the others reach this member, its port chosen. */
  readonly address: Address;
  /** Everybody known, this member included, also those who failed or left lately. */
  members(): readonly Member[];
  /**
   * Milliseconds since this member itself was last heard (its ping, its answer), or was first heard of; 0 for the own
   * name, undefined for one that is not known.
   */
  heardMsAgo(name: string): number | undefined;
  /**
   * Milliseconds since this member asked that one whether it is there, and has heard nothing from it itself until now,
   * whatever others have; undefined when nothing is open.
   */
  unansweredMs(name: string): number | undefined;
  /**
   * Joins through these members and resolves with how many answered, once each has or has failed. The members learned
   * are in `members()` by then.
   *
   * @throws JoinError when none answered; InvalidArgumentError on no address; the signal's reason; HoldfastError
   *   `STOPPED` after `leave` or `close`, as from the calls below
   */
  join(addresses: readonly Address[], options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** Tells the others that this member goes, and resolves when the news has spread as far as it will: then close. */
  leave(): Promise<void>;
  /** Sends `payload` to every member, best effort, to be a `user` event there. @throws InvalidArgumentError when too large for a packet */
  broadcast(payload: Uint8Array): void;
  /** Changes what the others know of this member. */
  updateMeta(meta: Uint8Array): void;
  /** Returns what takes the subscription back. A listener that throws is counted and changes nothing. */
  subscribe(listener: MembershipListener): () => void;
  /** What has happened so far, at this moment. */
  readonly metrics: MembershipMetrics;
  /** Resolves with the reason when the member has stopped by itself. */
  readonly failed: Promise<Error>;
  /** Stops without a word, as a crash would: the others will find this member failed, unless it left before. */
  close(): Promise<void>;
}

/**
 * Takes part in a cluster whose members watch each other: SWIM with Lifeguard, over datagrams and streams on one port.
 *
 * @throws InvalidArgumentError on options that make no sense, or the platform's error when the port cannot be had
 * @example
 * const runtime = nodeRuntime();
 * const a = await createMembership({ runtime, name: "a", host: "127.0.0.1" });
 * const b = await createMembership({ runtime, name: "b", host: "127.0.0.1", onEvent: console.log });
 * await b.join([a.address]);
 * b.members().map(({ name, state }) => `${name} ${state}`); // ["b alive", "a alive"]
 */
export async function createMembership(options: MembershipOptions): Promise<Membership> {
  return startMembership(checkMembershipOptions(options));
}
