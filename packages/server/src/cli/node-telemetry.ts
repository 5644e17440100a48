import { channel } from "node:diagnostics_channel";
import type { Fact } from "holdfast/consensus";
import type { Member } from "holdfast/coordination";
import type { MembershipEvent } from "holdfast/membership";
import type { Clock } from "holdfast/runtime";
import {
  createTelemetry,
  eventTypes,
  recordEvents,
  type ConsensusFact,
  type EventRecorder,
  type Telemetry,
  type Tracer,
} from "holdfast/telemetry";
import { membershipFact } from "../gossip/membership-fact.ts";
import { createNodeMetrics, type NodeMetrics } from "../metrics/node-metrics.ts";
import type { ServeEvent } from "../serve.ts";
import type { CertificateLife } from "../tls/certificate-expiry.ts";

/** What one node tells of itself, and of the others as it sees them. */
export interface NodeTelemetry {
  readonly telemetry: Telemetry;
  /** All but requests, of which there are too many to keep, and to make an event of when nobody listens. */
  readonly recorder: EventRecorder;
  readonly metrics: NodeMetrics;
  readonly onFact: (fact: Fact) => void;
  readonly onMembershipEvent: (event: MembershipEvent, heardMsAgo: (name: string) => number) => void;
  readonly onServeEvent: (event: ServeEvent) => void;
  /** Who knows the members' names; facts that come before are kept for it. */
  setMember(member: Pick<Member, "members">): void;
}

export interface NodeTelemetryOptions {
  readonly clock: Clock;
  readonly nodeId: string;
  /** How many bytes keys and values may take. */
  readonly quotaBytes: number;
  readonly certificates?: () => readonly CertificateLife[];
  /** What makes the spans of requests: events of theirs name the trace. */
  readonly tracer?: Pick<Tracer, "current"> | undefined;
}

/** Some hundred bytes each. */
const maxEvents = 4_096;

export function createNodeTelemetry(options: NodeTelemetryOptions): NodeTelemetry {
  const { clock, nodeId, quotaBytes, certificates, tracer } = options;
  const span = tracer === undefined ? {} : { span: () => tracer.current() };
  const telemetry = createTelemetry({ clock, nodeId, channel, ...span });
  const recorder = recordEvents(telemetry, { maxEvents, types: eventTypes.filter((type) => type !== "request") });
  let member: Pick<Member, "members"> | undefined;
  /** Of the moments between the core's start and the end of `createMember`. */
  const early: Fact[] = [];

  function publish(fact: Fact, known: Pick<Member, "members">): void {
    const named = consensusFact(fact, (id) => known.members().find((info) => info.id === BigInt(id))?.name);
    if (named !== undefined) telemetry.publish(named);
  }

  return {
    telemetry,
    recorder,
    metrics: createNodeMetrics(telemetry, quotaBytes, certificates),
    onFact(fact) {
      if (member === undefined) early.push(fact);
      else publish(fact, member);
    },
    onMembershipEvent(event, heardMsAgo) {
      const fact = membershipFact(event, heardMsAgo);
      if (fact !== undefined) telemetry.publish(fact);
    },
    onServeEvent(event) {
      if (event.type !== "request" || !telemetry.wants("request")) return;
      const { type, method, transport, code, durationMs, error } = event;
      const reason = error === undefined ? null : error instanceof Error ? error.message : "no error was given";
      telemetry.publish({ type, method, transport, code, durationMs, error: reason });
    },
    setMember(started) {
      member = started;
      for (const fact of early.splice(0)) publish(fact, started);
    },
  };
}

/** Undefined for a fact that nobody outside needs. */
function consensusFact(fact: Fact, nameOf: (id: number) => string | undefined): ConsensusFact | undefined {
  switch (fact.type) {
    case "leaderChanged": {
      const { type, leader, term } = fact;
      // A member that has been given a name since this one last applied anything is told by its number.
      return { type, leader: leader === 0 ? null : nameOf(leader) || leader.toString(16), term };
    }
    case "configurationChanged": {
      const { type, index, committed, configuration } = fact;
      const named = (ids: readonly number[]): string[] => ids.map((id) => nameOf(id) || id.toString(16));
      const { voters, votersOutgoing, learners } = configuration;
      const who = { voters: named(voters), outgoing: named(votersOutgoing), learners: named(learners) };
      return { type, ...who, index, committed };
    }
    case "roleChanged":
    case "quorumLost":
    case "logTruncated":
    case "diskStalled":
    case "diskRecovered":
      return fact;
    default:
      return undefined;
  }
}
