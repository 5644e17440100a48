import type { Random } from "../runtime/index.ts";
import type { Message } from "./message.ts";

/** How fast a member works, and how patient it is. */
export interface SwimTiming {
  /** One member is probed in each such time. */
  readonly probeIntervalMs: number;
  /** A direct probe that is not answered for so long is tried through others. Less than `probeIntervalMs`. */
  readonly probeTimeoutMs: number;
  /** How many others are asked to probe. */
  readonly indirectProbes: number;
  /** A suspect has `suspicionMult` × max(1, log10 n) probe intervals to show that it lives, at least. */
  readonly suspicionMult: number;
  /** … and this many times that while nobody else confirms the suspicion. */
  readonly suspicionMaxMult: number;
  /** News is passed on `retransmitMult` × ceil(log10(n + 1)) times. */
  readonly retransmitMult: number;
  readonly gossipIntervalMs: number;
  /** To how many members in each gossip interval. */
  readonly gossipNodes: number;
  /** Dead members are told of their death for so long, to object to it. */
  readonly gossipToTheDeadMs: number;
  /** Two members compare all they know in each such time; longer with more than 32 members. */
  readonly pushPullIntervalMs: number;
  /** A dead member, or a seed that is no member, is asked whether it is there again in each such time. */
  readonly reconnectIntervalMs: number;
  /** For how long a name that failed at one address cannot be taken by another. */
  readonly reclaimMs: number;
  /** Dead and departed members are forgotten after this time. */
  readonly forgetMs: number;
  /** Local health is between 0 and one less than this; probes slow down by as much. 1 switches it off. */
  readonly maxHealthMult: number;
  /** How long a stream may take to compare notes. */
  readonly streamTimeoutMs: number;
}

/** For members in one network. */
const lan: SwimTiming = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  suspicionMult: 4,
  suspicionMaxMult: 6,
  retransmitMult: 4,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  reconnectIntervalMs: 30_000,
  reclaimMs: 30_000,
  forgetMs: 24 * 3_600_000,
  maxHealthMult: 8,
  streamTimeoutMs: 10_000,
};

/**
 * The timing of memberlist's profiles, but for `local`'s retransmissions: half of them, as there, make joins take half
 * a minute where these take less than a second.
 */
export const swimProfiles: { readonly lan: SwimTiming; readonly wan: SwimTiming; readonly local: SwimTiming } = {
  lan,
  wan: {
    ...lan,
    probeIntervalMs: 5_000,
    probeTimeoutMs: 3_000,
    suspicionMult: 6,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToTheDeadMs: 60_000,
    pushPullIntervalMs: 60_000,
    reconnectIntervalMs: 60_000,
    streamTimeoutMs: 30_000,
  },
  local: {
    ...lan,
    probeTimeoutMs: 200,
    indirectProbes: 1,
    suspicionMult: 3,
    gossipIntervalMs: 100,
    gossipToTheDeadMs: 15_000,
    pushPullIntervalMs: 15_000,
    reconnectIntervalMs: 15_000,
    streamTimeoutMs: 1_000,
  },
};

export type SwimProfile = keyof typeof swimProfiles;

export interface SwimOptions extends Partial<SwimTiming> {
  readonly name: string;
  /** Where others reach this member. */
  readonly host: string;
  readonly port: number;
  /** At most 512 bytes. Default none. */
  readonly meta?: Uint8Array;
  readonly random: Random;
  /** What the options that are not given are taken from. Default `lan`. */
  readonly profile?: SwimProfile;
  /** The bytes a message takes in a packet. */
  readonly sizeOf: (message: Message) => number;
  /** Bytes of messages in one packet. Default 1 400. */
  readonly maxPacketBytes?: number;
  /** The core's time before the first input, monotonic milliseconds. Default 0. */
  readonly now?: number;
  /** Where the member's own incarnation begins. Default 0. */
  readonly incarnation?: number;
  /** Lifeguard: local health, nacks, shortening suspicions, telling suspects first. Default true. */
  readonly lifeguard?: boolean;
  /** Whether deadlines move when this process was held up. Default true. */
  readonly stallAware?: boolean;
  /** Members known at once, this one included; news of more is ignored and counted. Default 16 384. */
  readonly maxMembers?: number;
  /** User broadcasts waiting to be passed on; the most travelled goes first. Default 1 024. */
  readonly maxBroadcasts?: number;
}

/** What is used where an option is not given; the timing comes from the profile. */
export const defaultSwimOptions: {
  readonly profile: SwimProfile;
  readonly maxPacketBytes: number;
  readonly incarnation: number;
  readonly lifeguard: boolean;
  readonly stallAware: boolean;
  readonly maxMembers: number;
  readonly maxBroadcasts: number;
} = {
  profile: "lan",
  maxPacketBytes: 1_400,
  incarnation: 0,
  lifeguard: true,
  stallAware: true,
  maxMembers: 16_384,
  maxBroadcasts: 1_024,
};
