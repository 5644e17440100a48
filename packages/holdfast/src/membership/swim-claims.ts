import type { Address } from "../runtime/index.ts";
import { maxIncarnation, type Member, type MemberState } from "./member.ts";
import type { AliveUpdate, DeadUpdate, MemberUpdate, SuspectUpdate } from "./message.ts";
import { supersedes } from "./precedence.ts";
import { sendPacket, spread } from "./swim-gossip.ts";
import { aliveUpdate } from "./swim-settings.ts";
import { isLive, newRecord, type MemberRecord, type Swim } from "./swim.ts";
import { Suspicion, suspicionTimeoutMs } from "./suspicion.ts";

/** How often the dead are looked through for those to forget. */
const forgetCheckMs = 60_000;

/**
 * Takes in what somebody says about a member: believes it, ignores it, or overrules it when it is about this one. `from`
 * is where the packet came from that said it.
 */
export function onClaim(swim: Swim, update: MemberUpdate, from?: Address): void {
  if (!(update.incarnation >= 0 && update.incarnation < maxIncarnation)) {
    swim.counts.refusedIncarnations++;
    return;
  }
  if (update.type === "alive") onAlive(swim, update);
  else if (update.name === swim.address.name) onAccused(swim, update, from);
  else if (update.type === "suspect") onSuspect(swim, update);
  else onDead(swim, update);
}

function onAlive(swim: Swim, update: AliveUpdate): void {
  if (update.name === swim.address.name) {
    onOwnAlive(swim, update);
    return;
  }
  const record = swim.records.get(update.name);
  if (record === undefined) {
    addMember(swim, { ...withoutType(update), state: "alive" });
    return;
  }
  const known = record.member;
  if (update.host !== known.host || update.port !== known.port) {
    if (update.incarnation < known.incarnation) return;
    if (!mayMove(swim, record)) {
      reportConflict(swim, known, update);
      return;
    }
  }
  if (!supersedes({ incarnation: update.incarnation, state: "alive" }, known)) return;
  const changed = !sameBytes(known.meta, update.meta) || known.host !== update.host || known.port !== update.port;
  setState(swim, record, { ...withoutType(update), state: "alive" });
  spread(swim, update);
  const { member } = record;
  if (known.state === "left") swim.effects.events.push({ type: "join", member });
  else if (known.state === "dead") swim.effects.events.push({ type: "return", member });
  else if (known.state === "suspect") swim.effects.events.push({ type: "cleared", member });
  if (changed && known.state !== "left") swim.effects.events.push({ type: "update", member });
}

/** Whether another address may take the name: once its holder has left, or has been dead for long enough. */
function mayMove(swim: Swim, { member, changedAt }: MemberRecord): boolean {
  if (member.state === "left") return true;
  return member.state === "dead" && swim.now - changedAt >= swim.settings.reclaimMs;
}

function addMember(swim: Swim, member: Member): void {
  if (swim.records.size >= swim.settings.maxMembers && !forgetOldest(swim)) {
    swim.counts.refusedMembers++;
    return;
  }
  const record = newRecord(member, swim.now);
  swim.records.set(member.name, record);
  swim.order.add(record);
  swim.live++;
  spread(swim, aliveUpdate(member));
  swim.effects.events.push({ type: "join", member });
}

/** Somebody tells this member about itself: an earlier run of it, or another that has taken its name. */
function onOwnAlive(swim: Swim, update: AliveUpdate): void {
  const { member } = swim.self;
  if (swim.phase !== "member" || update.incarnation < member.incarnation) return;
  if (update.host !== member.host || update.port !== member.port) reportConflict(swim, member, update);
  else if (update.incarnation > member.incarnation || !sameBytes(update.meta, member.meta)) {
    raiseIncarnation(swim, update.incarnation);
  }
}

/** The member is not dead, and says so past whatever incarnation was accused; that is its doing alone. */
function onAccused(swim: Swim, update: SuspectUpdate | DeadUpdate, from: Address | undefined): void {
  if (swim.phase !== "member") return;
  if (update.incarnation < swim.self.member.incarnation) {
    // It has objected to that already, and whoever says so has not heard of it.
    if (from !== undefined) sendPacket(swim, from, [aliveUpdate(swim.self.member)]);
    return;
  }
  raiseIncarnation(swim, update.incarnation);
  swim.counts.refutations++;
  // To be accused is a sign that this member is the slow one.
  swim.health.add(1);
  swim.effects.events.push({ type: "refuted", incarnation: swim.self.member.incarnation });
}

/** Makes this member's word count for more than anything said up to `past`. */
export function raiseIncarnation(swim: Swim, past: number, meta: Uint8Array = swim.self.member.meta): void {
  const { self } = swim;
  const incarnation = Math.max(self.member.incarnation, past) + 1;
  self.member = { ...self.member, meta, incarnation };
  spread(swim, aliveUpdate(self.member), true);
}

function onSuspect(swim: Swim, update: SuspectUpdate): void {
  const record = swim.records.get(update.name);
  if (record === undefined) return;
  const known = record.member;
  if (known.state === "suspect" && known.incarnation === update.incarnation) {
    if (record.suspicion?.confirm(update.from) !== true) return;
    swim.nextSuspicionAt = Math.min(swim.nextSuspicionAt, record.suspicion.deadline);
    spread(swim, update);
    return;
  }
  if (!supersedes({ incarnation: update.incarnation, state: "suspect" }, known)) return;
  setState(swim, record, { ...known, incarnation: update.incarnation, state: "suspect" });
  startSuspicion(swim, record, update.from);
  spread(swim, update);
  const { member } = record;
  if (known.state === "left") swim.effects.events.push({ type: "join", member });
  else if (known.state === "dead") swim.effects.events.push({ type: "return", member });
  if (known.state !== "suspect") swim.effects.events.push({ type: "suspect", member, from: update.from });
}

function startSuspicion(swim: Swim, record: MemberRecord, from: string): void {
  const { suspicionMult, suspicionMaxMult, probeIntervalMs, lifeguard } = swim.settings;
  const minMs = suspicionTimeoutMs(suspicionMult, swim.live, probeIntervalMs);
  // Confirmations that so few members cannot give are not waited for.
  const wanted = Math.max(0, Math.floor(suspicionMult) - 2);
  const possible = lifeguard && swim.live - 2 >= wanted;
  record.suspicion = new Suspicion({
    startedAt: swim.now,
    from,
    wanted: possible ? wanted : 0,
    minMs,
    maxMs: minMs * suspicionMaxMult,
  });
  swim.suspects.add(record);
  swim.nextSuspicionAt = Math.min(swim.nextSuspicionAt, record.suspicion.deadline);
}

/** Suspects whose time is over are dead. */
export function onSuspicionTime(swim: Swim): void {
  swim.nextSuspicionAt = Number.POSITIVE_INFINITY;
  if (swim.phase !== "member") return;
  for (const record of swim.suspects) {
    const deadline = record.suspicion?.deadline ?? Number.POSITIVE_INFINITY;
    if (deadline > swim.now) {
      swim.nextSuspicionAt = Math.min(swim.nextSuspicionAt, deadline);
      continue;
    }
    const { name, incarnation } = record.member;
    onDead(swim, { type: "dead", name, incarnation, from: swim.address.name });
  }
}

function onDead(swim: Swim, update: DeadUpdate): void {
  const record = swim.records.get(update.name);
  if (record === undefined) return;
  const known = record.member;
  const state: MemberState = update.from === update.name ? "left" : "dead";
  if (!supersedes({ incarnation: update.incarnation, state }, known)) return;
  const wasLive = isLive(record);
  setState(swim, record, { ...known, incarnation: update.incarnation, state });
  // A farewell must arrive before probes begin to fail.
  spread(swim, update, state === "left");
  const { member } = record;
  if (state === "left" && known.state !== "left") swim.effects.events.push({ type: "left", member });
  else if (wasLive) swim.effects.events.push({ type: "failed", member, from: update.from });
}

function setState(swim: Swim, record: MemberRecord, member: Member): void {
  const wasLive = isLive(record);
  if (record.member.state !== member.state) record.changedAt = swim.now;
  record.member = member;
  record.suspicion = undefined;
  swim.suspects.delete(record);
  const nowLive = isLive(record);
  if (nowLive !== wasLive) swim.live += nowLive ? 1 : -1;
  if (nowLive) return;
  record.coordinate = undefined;
  record.roundTrips = undefined;
  swim.forgetAt = Math.min(swim.forgetAt, swim.now + Math.min(forgetCheckMs, swim.settings.forgetMs));
}

/** Forgets who died or left long ago: late enough that nobody still passes on that they live. */
export function onForgetTime(swim: Swim): void {
  swim.forgetAt = Number.POSITIVE_INFINITY;
  const { forgetMs } = swim.settings;
  for (const record of swim.records.values()) {
    if (isLive(record) || record === swim.self) continue;
    if (swim.now - record.changedAt >= forgetMs) forget(swim, record);
    else swim.forgetAt = swim.now + Math.min(forgetCheckMs, forgetMs);
  }
}

/** Makes room for a member by forgetting whoever is dead or gone for the longest time; false when all live. */
function forgetOldest(swim: Swim): boolean {
  let oldest: MemberRecord | undefined;
  for (const record of swim.records.values()) {
    if (isLive(record) || record === swim.self) continue;
    if (oldest === undefined || record.changedAt < oldest.changedAt) oldest = record;
  }
  if (oldest === undefined) return false;
  forget(swim, oldest);
  return true;
}

function forget(swim: Swim, record: MemberRecord): void {
  swim.records.delete(record.member.name);
  swim.order.remove(record);
  swim.effects.events.push({ type: "forgotten", member: record.member });
}

function reportConflict(swim: Swim, known: Member, other: AliveUpdate): void {
  swim.effects.events.push({
    type: "conflict",
    name: known.name,
    known: { host: known.host, port: known.port },
    other: { host: other.host, port: other.port },
  });
}

function withoutType({ name, host, port, meta, incarnation }: AliveUpdate): Omit<Member, "state"> {
  return { name, host, port, meta, incarnation };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]));
}
