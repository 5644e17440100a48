import type { ConsensusFact } from "./consensus-fact.ts";
import type { FaultFact } from "./fault-fact.ts";
import type { MembershipFact } from "./membership-fact.ts";
import type { RequestFact } from "./request-fact.ts";

/** What every event carries beside its own fields. */
export interface EventStamp {
  /** Milliseconds since 1970, by the wall clock of the node that noticed. */
  readonly at: number;
  /** The node that noticed. */
  readonly nodeId: string;
  /** 1 for the first event of a telemetry, then one more for each. */
  readonly seq: number;
}

/** What is published, before it is stamped. */
export type TelemetryFact = MembershipFact | ConsensusFact | RequestFact | FaultFact;

type Stamped<Fact> = Fact extends TelemetryFact ? Fact & EventStamp : never;

/** Everything that happens in a cluster and is told: one union, told apart by `type`. */
export type TelemetryEvent = Stamped<TelemetryFact>;

export type TelemetryEventType = TelemetryFact["type"];

/** The events of some types. */
export type EventOf<Type extends TelemetryEventType> = Extract<TelemetryEvent, { readonly type: Type }>;

/** Which room tells of it. */
export type EventRoom = "membership" | "consensus" | "server" | "proof";

/** Every type there is, with its room. */
export const eventRooms: Readonly<Record<TelemetryEventType, EventRoom>> = {
  memberJoined: "membership",
  memberReturned: "membership",
  memberSuspect: "membership",
  memberCleared: "membership",
  memberFailed: "membership",
  memberLeft: "membership",
  memberUpdated: "membership",
  memberForgotten: "membership",
  nameConflict: "membership",
  selfRefuted: "membership",
  selfStalled: "membership",
  roleChanged: "consensus",
  leaderChanged: "consensus",
  quorumLost: "consensus",
  logTruncated: "consensus",
  configurationChanged: "consensus",
  request: "server",
  faultInjected: "proof",
  faultRemoved: "proof",
};

/** Every type there is. */
export const eventTypes: readonly TelemetryEventType[] = Object.keys(eventRooms) as TelemetryEventType[];

/** The name under which Node's `diagnostics_channel` has the events of a type. */
export function channelName(type: TelemetryEventType): string {
  return `holdfast:${eventRooms[type]}:${type}`;
}
