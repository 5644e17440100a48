import type { Address } from "../runtime/index.ts";
import type { Ack, Message, Ping, PingReq } from "./message.ts";
import { onClaim } from "./swim-claims.ts";
import { sendPacket } from "./swim-gossip.ts";
import { isLive, type MemberRecord, type Probe, type Swim } from "./swim.ts";

/** Probes done for others at a time; more are refused, as the asker has other helpers. */
const maxRelays = 1_024;

/** A helper that heard nothing says so after this part of its own timeout, to be in time at the asker. */
const nackShare = 0.8;

/** Begins the probe of a period. */
export function onProbeTime(swim: Swim): void {
  if (swim.probe !== undefined) {
    // A hold-up has moved the deadline into the next period.
    swim.probeAt = swim.probe.deadline;
    return;
  }
  const { health, settings } = swim;
  const interval = health.scale(settings.probeIntervalMs);
  swim.probeAt = swim.now + interval;
  const record = swim.order.next(isLive);
  if (record === undefined) return;
  const { name, incarnation, state } = record.member;
  const seq = nextSeq(swim);
  const messages: Message[] = [{ type: "ping", seq, target: name, source: swim.address }];
  if (settings.lifeguard && state === "suspect") {
    // Lifeguard's buddy system: who is suspected hears of it first from whoever probes it.
    messages.push({ type: "suspect", name, incarnation, from: swim.address.name });
  }
  swim.probe = {
    record,
    seq,
    incarnation,
    sentAt: swim.now,
    timeoutAt: swim.now + health.scale(settings.probeTimeoutMs),
    deadline: swim.now + interval,
    stage: "direct",
    measured: true,
    helpers: 0,
    expectedNacks: 0,
    nacks: 0,
    refused: false,
  };
  swim.counts.probes++;
  sendPacket(swim, record.member, messages);
}

/** When the probe that runs has to be looked at. */
export function probeDue(probe: Probe): number {
  return probe.stage === "direct" ? probe.timeoutAt : probe.deadline;
}

export function onProbeDue(swim: Swim, probe: Probe): void {
  if (probe.stage === "direct") askOthers(swim, probe);
  else fail(swim, probe);
}

/** No answer: tries through other members and, past whatever ails datagrams, over a stream. */
function askOthers(swim: Swim, probe: Probe): void {
  probe.stage = "indirect";
  const { record, seq } = probe;
  const { member } = record;
  const { indirectProbes, lifeguard } = swim.settings;
  const suits = (other: MemberRecord): boolean => other.member.state === "alive" && other !== record;
  for (const helper of swim.order.sample(indirectProbes, suits)) {
    const request: PingReq = {
      type: "pingReq",
      seq,
      target: member.name,
      targetHost: member.host,
      targetPort: member.port,
      source: swim.address,
      wantsNack: lifeguard,
    };
    probe.helpers++;
    if (lifeguard) probe.expectedNacks++;
    swim.counts.indirectProbes++;
    sendPacket(swim, helper.member, [request]);
  }
  const exchange = swim.nextExchange++;
  const ping: Ping = { type: "ping", seq, target: member.name, source: swim.address };
  const to: Address = { host: member.host, port: member.port };
  swim.exchanges.set(exchange, { kind: "probe", address: to, seq });
  swim.effects.streams.push({ exchange, to, messages: [ping], timeoutMs: probe.deadline - swim.now });
}

function fail(swim: Swim, probe: Probe): void {
  swim.probe = undefined;
  swim.counts.failedProbes++;
  // Helpers that did not even say no are a sign that nothing reaches this member.
  swim.health.add(probe.expectedNacks > 0 ? Math.max(0, probe.expectedNacks - probe.nacks) : 1);
  const { member } = probe.record;
  if (swim.records.get(member.name) !== probe.record || !isLive(probe.record)) return;
  onClaim(swim, { type: "suspect", name: member.name, incarnation: probe.incarnation, from: swim.address.name });
}

export function onAck(swim: Swim, message: Ack): void {
  const { probe } = swim;
  if (probe !== undefined && probe.seq === message.seq) {
    swim.probe = undefined;
    swim.health.add(-1);
    probe.record.heardAt = swim.now;
    if (probe.measured && probe.stage === "direct") learnDistance(swim, probe, message);
    return;
  }
  const relay = swim.relays.get(message.seq);
  if (relay === undefined) return;
  swim.relays.delete(message.seq);
  sendPacket(swim, relay.to, [{ type: "ack", seq: relay.theirSeq }]);
}

/** An ack that came over the stream: the member lives, but this says nothing good of datagrams between the two. */
export function onStreamAck(swim: Swim, message: Ack): void {
  const { probe } = swim;
  if (probe === undefined || probe.seq !== message.seq) return;
  swim.probe = undefined;
  swim.counts.streamAcks++;
  probe.record.heardAt = swim.now;
}

function learnDistance(swim: Swim, { record, sentAt }: Probe, { coordinate }: Ack): void {
  if (coordinate === undefined) return;
  // The median of the last three forgets a round trip that was held up somewhere.
  record.roundTrips = [...(record.roundTrips ?? []).slice(-2), swim.now - sentAt];
  const sorted = record.roundTrips.toSorted((a, b) => a - b);
  if (swim.coordinates.observe(coordinate, sorted[sorted.length >> 1]!)) record.coordinate = coordinate;
}

export function onNack(swim: Swim, seq: number): void {
  const { probe } = swim;
  if (probe === undefined || probe.seq !== seq || probe.nacks >= probe.expectedNacks) return;
  probe.nacks++;
  failIfHopeless(swim, probe);
}

/** The stream of a probe failed before its time was over. */
export function onStreamRefused(swim: Swim, seq: number): void {
  const { probe } = swim;
  if (probe === undefined || probe.seq !== seq || swim.now >= probe.deadline) return;
  probe.refused = true;
  failIfHopeless(swim, probe);
}

/**
 * Nobody listens at the member's address and no helper has heard of it: nothing is left to wait for. Only for members
 * whose machine lives, as after a kill; and not when this process was held up, which may have kept it from hearing.
 */
function failIfHopeless(swim: Swim, probe: Probe): void {
  if (probe.refused && probe.nacks >= probe.helpers && probe.measured) fail(swim, probe);
}

/** The ack a ping gets, or nothing when it is for another member. */
export function answerPing(swim: Swim, { seq, target, source }: Ping): Ack | undefined {
  if (target !== swim.address.name || swim.phase === "departed") {
    swim.counts.misdirectedPings++;
    return undefined;
  }
  const record = swim.records.get(source.name);
  if (record !== undefined) record.heardAt = swim.now;
  return { type: "ack", seq, coordinate: swim.coordinates.coordinate };
}

export function onPingReq(swim: Swim, from: Address, message: PingReq): void {
  if (swim.relays.size >= maxRelays) {
    swim.counts.refusedRelays++;
    return;
  }
  const { probeTimeoutMs, probeIntervalMs } = swim.settings;
  const relay = {
    seq: nextSeq(swim),
    theirSeq: message.seq,
    to: from,
    nackAt: message.wantsNack ? swim.now + probeTimeoutMs * nackShare : Number.POSITIVE_INFINITY,
    expiresAt: swim.now + probeIntervalMs,
  };
  swim.relays.set(relay.seq, relay);
  swim.nextRelayAt = Math.min(swim.nextRelayAt, relay.nackAt, relay.expiresAt);
  const to: Address = { host: message.targetHost, port: message.targetPort };
  sendPacket(swim, to, [{ type: "ping", seq: relay.seq, target: message.target, source: swim.address }]);
}

export function onRelayTime(swim: Swim): void {
  swim.nextRelayAt = Number.POSITIVE_INFINITY;
  for (const relay of swim.relays.values()) {
    if (relay.expiresAt <= swim.now) {
      swim.relays.delete(relay.seq);
      continue;
    }
    if (relay.nackAt <= swim.now) {
      relay.nackAt = Number.POSITIVE_INFINITY;
      sendPacket(swim, relay.to, [{ type: "nack", seq: relay.theirSeq }]);
    }
    swim.nextRelayAt = Math.min(swim.nextRelayAt, relay.nackAt, relay.expiresAt);
  }
}

function nextSeq(swim: Swim): number {
  swim.seq = (swim.seq + 1) >>> 0;
  return swim.seq;
}
