import type { Address } from "../runtime/index.ts";
import type { Ack, Message, Ping, PingReq } from "./message.ts";
import { onClaim } from "./swim-claims.ts";
import { sendPacket } from "./swim-gossip.ts";
import { isLive, noteHeard, type MemberRecord, type Probe, type Swim } from "./swim.ts";

/** Probes done for others at a time; more are refused, as the asker has other helpers. */
const maxRelays = 1_024;

/** A helper that heard nothing says so after this part of its own timeout, to be in time at the asker. */
const nackShare = 0.8;

/** A member that has been dead for long is asked so often, by all the others together, in each period. */
const askedPerPeriod = 2;

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
  askTheAccused(swim);
  const record = swim.order.next(isLive);
  if (record === undefined) return;
  const { name, incarnation } = record.member;
  const seq = nextSeq(swim);
  const ping: Ping = { type: "ping", seq, target: name, source: swim.address };
  // Lifeguard's buddy system: who is suspected hears of it first from whoever probes it, and objects in its answer.
  const messages: Message[] = settings.lifeguard ? [...accusationOf(swim, record), ping] : [ping];
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

/**
 * Asks one of the accused whether it is dead: told of what is held against it, it objects in its answer. After a cut has
 * healed nobody probes whom it holds for dead, and with no news to tell nobody gossips to them either; and whom gossip
 * has passed over goes on suspecting who has long objected. Nothing comes of it when there is no answer.
 */
function askTheAccused(swim: Swim): void {
  const { order, suspects, settings } = swim;
  const missing = order.size - (swim.live - 1);
  if (missing === 0 && suspects.size === 0) return;
  const isAccused = ({ member }: MemberRecord): boolean =>
    member.state === "dead" || (member.state === "suspect" && settings.lifeguard);
  // Of what is young not everybody may know: each that does asks. Later, all together do.
  const [young] = order.sample(1, (one) => isAccused(one) && swim.now - one.changedAt < settings.gossipToTheDeadMs);
  if (young === undefined && swim.random.next() * swim.live >= askedPerPeriod * missing) return;
  const record = young ?? order.sample(1, isAccused)[0];
  if (record === undefined) return;
  const seq = nextSeq(swim);
  swim.asked = { seq, record };
  const ping: Ping = { type: "ping", seq, target: record.member.name, source: swim.address };
  sendPacket(swim, record.member, [...accusationOf(swim, record), ping]);
}

/** What this member holds against another, for its ears. */
function accusationOf(swim: Swim, { member: { name, incarnation, state } }: MemberRecord): Message[] {
  return state === "suspect" || state === "dead" ? [{ type: state, name, incarnation, from: swim.address.name }] : [];
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
  record.unansweredAt ??= swim.now;
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
  swim.exchanges.set(exchange, { kind: "probe", address: to, seq, name: member.name });
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
    // An ack without a coordinate came through another member.
    if (message.coordinate !== undefined) noteHeard(swim, probe.record);
    if (probe.measured && probe.stage === "direct") learnDistance(swim, probe, message);
    return;
  }
  if (swim.asked?.seq === message.seq) {
    noteHeard(swim, swim.asked.record);
    swim.asked = undefined;
    return;
  }
  const relay = swim.relays.get(message.seq);
  if (relay === undefined) return;
  swim.relays.delete(message.seq);
  sendPacket(swim, relay.to, [{ type: "ack", seq: relay.theirSeq }]);
}

/** An ack that came over the stream: the member lives, but this says nothing good of datagrams between the two. */
export function onStreamAck(swim: Swim, message: Ack, name: string): void {
  const { probe } = swim;
  const record = swim.records.get(name);
  if (record !== undefined) noteHeard(swim, record);
  if (probe === undefined || probe.seq !== message.seq) return;
  swim.probe = undefined;
  swim.counts.streamAcks++;
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

/**
 * What a ping in a packet gets: an ack, and what is held against whoever sent it, which need not wait for anybody's gossip
 * to object. Nothing when it is for another member.
 */
export function answersTo(swim: Swim, ping: Ping): Message[] {
  const ack = answerPing(swim, ping);
  if (ack === undefined) return [];
  const record = swim.phase === "member" ? swim.records.get(ping.source.name) : undefined;
  return record === undefined ? [ack] : [ack, ...accusationOf(swim, record)];
}

/** The ack a ping gets, or nothing when it is for another member. */
export function answerPing(swim: Swim, { seq, target, source }: Ping): Ack | undefined {
  if (target !== swim.address.name || swim.phase === "departed") {
    swim.counts.misdirectedPings++;
    return undefined;
  }
  const record = swim.records.get(source.name);
  if (record !== undefined) noteHeard(swim, record);
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
