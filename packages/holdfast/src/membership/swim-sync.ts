import type { Address } from "../runtime/index.ts";
import type { Member } from "./member.ts";
import type { Message, PushPull } from "./message.ts";
import { onClaim } from "./swim-claims.ts";
import { answerPing, onStreamAck, onStreamRefused } from "./swim-probe.ts";
import { aliveUpdate } from "./swim-settings.ts";
import { isLive, membersOf, type Exchange, type MemberRecord, type Swim } from "./swim.ts";

/** Addresses remembered to join through. */
const maxSeeds = 256;

/** Comparisons under way at a time; more are not begun. */
const maxExchanges = 512;

/** Up to this many members, everyone compares notes once in each interval; beyond, less often. */
const fullRateMembers = 32;

export function onJoin(swim: Swim, addresses: readonly Address[]): void {
  if (swim.phase !== "member") {
    for (const address of addresses) swim.effects.events.push({ type: "joinFailed", address });
    return;
  }
  for (const { host, port } of addresses) {
    const address = { host, port };
    if (swim.seeds.size < maxSeeds) swim.seeds.set(keyOf(address), address);
    if (!compareWith(swim, address, "join")) swim.effects.events.push({ type: "joinFailed", address });
  }
}

/** Sends all that is known to a member and gets all that it knows. False when too many comparisons are under way. */
function compareWith(swim: Swim, to: Address, kind: "join" | "compare"): boolean {
  if (swim.exchanges.size >= maxExchanges) return false;
  const exchange = swim.nextExchange++;
  const address: Address = { host: to.host, port: to.port };
  swim.exchanges.set(exchange, { kind, address });
  const messages = [pushPull(swim, kind === "join", false)];
  swim.effects.streams.push({ exchange, to: address, messages, timeoutMs: swim.settings.streamTimeoutMs });
  return true;
}

function pushPull(swim: Swim, join: boolean, reply: boolean): PushPull {
  return { type: "pushPull", join, members: membersOf(swim), reply };
}

export function onPushPullTime(swim: Swim): void {
  swim.pushPullAt = swim.now + pushPullIntervalMs(swim);
  const [record] = swim.order.sample(1, isLive);
  if (record !== undefined) compareWith(swim, record.member, "compare");
}

/** Longer in large clusters, where every comparison carries more: once more for each doubling beyond 32 members. */
export function pushPullIntervalMs({ settings, live }: Swim): number {
  if (live <= fullRateMembers) return settings.pushPullIntervalMs;
  return settings.pushPullIntervalMs * (Math.ceil(Math.log2(live) - Math.log2(fullRateMembers)) + 1);
}

/**
 * Looks for a lost part of the cluster: a dead member, or a seed nobody lives at, is asked to compare notes. All members
 * together ask about once in each interval for each that is missing.
 */
export function onReconnectTime(swim: Swim): void {
  swim.reconnectAt = swim.now + swim.settings.reconnectIntervalMs;
  const lost = lostAddresses(swim);
  if (lost.length === 0) return;
  const { random } = swim;
  // Alone, a member has nobody to share the work with.
  if (swim.live > 1 && random.next() * swim.live >= lost.length) return;
  const address = lost[Math.floor(random.next() * lost.length)];
  if (address !== undefined) compareWith(swim, address, "compare");
}

function lostAddresses(swim: Swim): Address[] {
  const dead: Address[] = [];
  for (const { member } of swim.records.values()) {
    if (member.state === "dead") dead.push({ host: member.host, port: member.port });
  }
  if (swim.seeds.size === 0) return dead;
  const known = new Set(Array.from(swim.records.values(), ({ member }) => keyOf(member)));
  return [...dead, ...[...swim.seeds.values()].filter((seed) => !known.has(keyOf(seed)))];
}

/** Somebody opened a stream to this member: to compare notes, or to ask whether it lives. */
export function onStreamRequest(swim: Swim, connection: number, messages: readonly Message[]): void {
  const answers: Message[] = [];
  for (const message of messages) {
    if (message.type === "ping") {
      const ack = answerPing(swim, message);
      if (ack !== undefined) answers.push(ack);
    } else if (message.type === "pushPull" && !message.reply) {
      // First merged, then answered: the asker learns at once what this member overrules of what it heard.
      merge(swim, message.members);
      answers.push(pushPull(swim, message.join, true));
    }
  }
  if (answers.length > 0) swim.effects.replies.push({ connection, messages: answers });
}

export function onStreamAnswer(swim: Swim, id: number, messages: readonly Message[]): void {
  const exchange = swim.exchanges.get(id);
  if (exchange === undefined) return;
  swim.exchanges.delete(id);
  if (exchange.kind === "probe") {
    for (const message of messages) if (message.type === "ack") onStreamAck(swim, message, exchange.name ?? "");
    return;
  }
  const answer = messages.find((message): message is PushPull => message.type === "pushPull" && message.reply);
  if (answer === undefined) {
    joinFailed(swim, exchange);
    return;
  }
  merge(swim, answer.members);
  if (exchange.kind !== "join") return;
  swim.effects.events.push({ type: "joined", address: exchange.address, members: swim.live });
}

export function onStreamFailed(swim: Swim, id: number): void {
  const exchange = swim.exchanges.get(id);
  if (exchange === undefined) return;
  swim.exchanges.delete(id);
  if (exchange.seq !== undefined) onStreamRefused(swim, exchange.seq);
  joinFailed(swim, exchange);
}

function joinFailed(swim: Swim, { kind, address }: Exchange): void {
  if (kind === "join") swim.effects.events.push({ type: "joinFailed", address });
}

/**
 * Takes in what another member knows. Whoever it holds for dead is only suspected here: it may have lost contact where
 * this member has not, and the accused gets the chance to object that this cluster promises.
 */
function merge(swim: Swim, members: readonly Member[]): void {
  for (const member of members) {
    const { name, incarnation, state } = member;
    const from = state === "left" ? name : swim.address.name;
    if (state === "alive") {
      onClaim(swim, aliveUpdate(member));
      continue;
    }
    const record = swim.records.get(name);
    const known = record !== undefined && isLive(record);
    if (name === swim.address.name) onClaim(swim, { type: "suspect", name, incarnation, from });
    else if (state === "left") onClaim(swim, { type: "dead", name, incarnation, from });
    else if (known || state === "suspect") accuse(swim, member, record);
    else if (record !== undefined) onClaim(swim, { type: "dead", name, incarnation, from });
  }
}

function accuse(swim: Swim, member: Member, record: MemberRecord | undefined): void {
  const { name, incarnation } = member;
  // It was alive in the incarnation it is accused of, and this member may not have heard of that yet.
  if (record === undefined || record.member.incarnation < incarnation) onClaim(swim, aliveUpdate(member));
  onClaim(swim, { type: "suspect", name, incarnation, from: swim.address.name });
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
