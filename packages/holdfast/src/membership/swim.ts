import type { Address, Random } from "../runtime/index.ts";
import { CoordinateLearner, type Coordinate } from "./coordinate.ts";
import { GossipQueue } from "./gossip-queue.ts";
import { LocalHealth } from "./local-health.ts";
import type { Member, MemberAddress } from "./member.ts";
import { ProbeOrder, type Ordered } from "./probe-order.ts";
import type { Suspicion } from "./suspicion.ts";
import { noEffects, type Effects } from "./swim-effects.ts";
import type { SwimOptions } from "./swim-options.ts";
import { swimSettings, type SwimSettings } from "./swim-settings.ts";

/** What one member knows of another. */
export interface MemberRecord extends Ordered {
  member: Member;
  /** When its state last changed. */
  changedAt: number;
  /** When it was last heard itself, rather than of. */
  heardAt: number;
  /** Since when a probe waits for a word of its own; undefined once there was one. */
  unansweredAt: number | undefined;
  suspicion: Suspicion | undefined;
  coordinate: Coordinate | undefined;
  /** The last three round trips. */
  roundTrips: number[] | undefined;
}

/** The probe of this period. */
export interface Probe {
  readonly record: MemberRecord;
  readonly seq: number;
  /** The accusation, should it come to one, is of this incarnation: a refutation meanwhile voids it. */
  readonly incarnation: number;
  readonly sentAt: number;
  /** When others are asked. */
  timeoutAt: number;
  deadline: number;
  stage: "direct" | "indirect";
  /** Whether the round trip says something about the network. */
  measured: boolean;
  /** How many others were asked. */
  helpers: number;
  expectedNacks: number;
  nacks: number;
  /** The stream failed before its time: nobody listens there. */
  refused: boolean;
}

/** A probe on behalf of another member. */
export interface Relay {
  readonly seq: number;
  readonly theirSeq: number;
  readonly to: Address;
  /** When to say that the target does not answer; infinity when that was said or is not wanted. */
  nackAt: number;
  expiresAt: number;
}

export interface Exchange {
  readonly kind: "join" | "compare" | "probe";
  readonly address: Address;
  /** Of the probe it belongs to, and whom that is for. */
  readonly seq?: number;
  readonly name?: string;
}

/** How often what happened since the start. */
export interface SwimCounts {
  probes: number;
  indirectProbes: number;
  failedProbes: number;
  /** Probes that only a stream got through with. */
  streamAcks: number;
  refutations: number;
  stalls: number;
  /** Accusations, deaths and farewells with an incarnation that cannot be. */
  refusedIncarnations: number;
  /** Members beyond `maxMembers`. */
  refusedMembers: number;
  /** Pings for another name. */
  misdirectedPings: number;
  /** Requests to probe for others beyond what one member does at a time. */
  refusedRelays: number;
  /** News that fits in no packet of this member's, and is left to comparisons. */
  oversizedNews: number;
}

/**
 * The state of one SWIM member (Das, Gupta and Motivala, DSN 2002) with Lifeguard (Dadgar, Phillips and Currey 2017).
 * Changed only by `step`; for everyone else to read.
 */
export interface Swim {
  readonly settings: SwimSettings;
  readonly random: Random;
  readonly self: MemberRecord;
  readonly address: MemberAddress;
  /** By name, the member itself included. */
  readonly records: Map<string, MemberRecord>;
  /** All but the member itself, dead ones too. */
  readonly order: ProbeOrder<MemberRecord>;
  /** Members alive or suspect, the member itself included. */
  live: number;
  readonly suspects: Set<MemberRecord>;
  readonly health: LocalHealth;
  readonly queue: GossipQueue;
  readonly coordinates: CoordinateLearner;
  readonly seeds: Map<string, Address>;

  probe: Probe | undefined;
  /** Who was asked last whether it is dead. */
  asked: { readonly seq: number; readonly record: MemberRecord } | undefined;
  readonly relays: Map<number, Relay>;
  readonly exchanges: Map<number, Exchange>;
  /** User broadcasts already delivered, oldest first. */
  readonly seen: Set<string>;
  readonly counts: SwimCounts;

  /** `leaving` until the farewell is spread, then `departed`. */
  phase: "member" | "leaving" | "departed";
  seq: number;
  nextExchange: number;
  nextBroadcast: number;
  /** Tells this run of the member from an earlier one in the ids of broadcasts. */
  readonly runId: string;

  now: number;
  /** When the core wants its next `wake`. */
  wakeAt: number;
  /** Whether the next wake-up is to be put off for waiting input, and whether the last one was. */
  mustDrain: boolean;
  drained: boolean;
  probeAt: number;
  gossipAt: number;
  lastGossipAt: number;
  pushPullAt: number;
  reconnectAt: number;
  forgetAt: number;
  leaveAt: number;
  /** Not later than the first deadline among suspects and among relays. */
  nextSuspicionAt: number;
  nextRelayAt: number;

  effects: Effects;
}

/** @throws InvalidArgumentError when an option is unknown or breaks its rule */
export function createSwim(options: SwimOptions): Swim {
  const settings = swimSettings(options);
  const { name, host, port, meta, incarnation, random, now } = settings;
  const self: MemberRecord = newRecord({ name, host, port, meta, incarnation, state: "alive" }, now);
  const timing = random.fork("swim timing");
  return {
    settings,
    random: timing,
    self,
    address: { name, host, port },
    records: new Map([[name, self]]),
    order: new ProbeOrder(random.fork("swim order")),
    live: 1,
    suspects: new Set(),
    health: new LocalHealth(settings.lifeguard ? settings.maxHealthMult : 1),
    queue: new GossipQueue(settings.maxBroadcasts),
    coordinates: new CoordinateLearner(random.fork("swim coordinates")),
    seeds: new Map(),
    probe: undefined,
    asked: undefined,
    relays: new Map(),
    exchanges: new Map(),
    seen: new Set(),
    counts: {
      probes: 0,
      indirectProbes: 0,
      failedProbes: 0,
      streamAcks: 0,
      refutations: 0,
      stalls: 0,
      refusedIncarnations: 0,
      refusedMembers: 0,
      misdirectedPings: 0,
      refusedRelays: 0,
      oversizedNews: 0,
    },
    phase: "member",
    seq: timing.integer(0, 0xffff_ffff),
    nextExchange: 1,
    nextBroadcast: 1,
    runId: timing.integer(0, 0xffff_ffff).toString(36),
    now,
    wakeAt: now,
    mustDrain: false,
    drained: false,
    // Spread over the period, so that members that start together do not work in step.
    probeAt: now + timing.next() * settings.probeIntervalMs,
    gossipAt: Number.POSITIVE_INFINITY,
    lastGossipAt: Number.NEGATIVE_INFINITY,
    pushPullAt: now + timing.next() * settings.pushPullIntervalMs,
    reconnectAt: now + timing.next() * settings.reconnectIntervalMs,
    forgetAt: Number.POSITIVE_INFINITY,
    leaveAt: Number.POSITIVE_INFINITY,
    nextSuspicionAt: Number.POSITIVE_INFINITY,
    nextRelayAt: Number.POSITIVE_INFINITY,
    effects: noEffects(),
  };
}

export function newRecord(member: Member, now: number): MemberRecord {
  return {
    member,
    changedAt: now,
    heardAt: now,
    unansweredAt: undefined,
    suspicion: undefined,
    coordinate: undefined,
    roundTrips: undefined,
    position: -1,
  };
}

/** The member itself has said something just now. */
export function noteHeard(swim: Swim, record: MemberRecord): void {
  record.heardAt = swim.now;
  record.unansweredAt = undefined;
}

export function isLive({ member }: MemberRecord): boolean {
  return member.state === "alive" || member.state === "suspect";
}

/** Everything that is known, dead and departed members included. */
export function membersOf(swim: Swim): Member[] {
  return Array.from(swim.records.values(), ({ member }) => member);
}
