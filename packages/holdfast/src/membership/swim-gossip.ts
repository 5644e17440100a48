import type { Address } from "../runtime/index.ts";
import { topicOf } from "./gossip-queue.ts";
import type { Gossip, Message, UserUpdate } from "./message.ts";
import { isLive, type MemberRecord, type Swim } from "./swim.ts";

/** News waits so long for more of it to share its packets. */
const gatherMs = 5;

/** Broadcasts remembered, to deliver each once. */
const maxSeen = 8_192;

/** Passes news on. */
export function spread(swim: Swim, message: Gossip, urgent = false): void {
  const bytes = swim.settings.sizeOf(message);
  if (bytes > swim.settings.maxPacketBytes) {
    // Members may have packets of different sizes. What fits in none of these travels by comparison alone.
    swim.counts.oversizedNews++;
    return;
  }
  swim.queue.add(message, bytes, urgent);
  if (swim.gossipAt !== Number.POSITIVE_INFINITY) return;
  // Fresh news need not wait for the beat of an idle member.
  swim.gossipAt = Math.max(swim.now + Math.min(gatherMs, swim.settings.gossipIntervalMs), nextBeat(swim));
}

/** Sends a packet, filled up with news. */
export function sendPacket(swim: Swim, to: Address, messages: Message[]): void {
  const { sizeOf, maxPacketBytes } = swim.settings;
  let bytes = 0;
  for (const message of messages) bytes += sizeOf(message);
  swim.queue.take(messages, maxPacketBytes - bytes, transmitLimit(swim));
  swim.effects.packets.push({ to, messages });
}

export function onGossipTime(swim: Swim): void {
  swim.lastGossipAt = swim.now;
  const { gossipNodes, maxPacketBytes } = swim.settings;
  for (const record of swim.order.sample(gossipNodes, (record) => hearsGossip(swim, record))) {
    const messages: Message[] = [];
    swim.queue.take(messages, maxPacketBytes, transmitLimit(swim));
    if (messages.length === 0) break;
    swim.effects.packets.push({ to: record.member, messages });
  }
  // Without anybody to tell, the news waits for the first who joins.
  swim.gossipAt = swim.queue.size > 0 && swim.order.size > 0 ? nextBeat(swim) : Number.POSITIVE_INFINITY;
}

/** A member that died lately is told so: it may be alive and object. */
function hearsGossip(swim: Swim, record: MemberRecord): boolean {
  if (isLive(record)) return true;
  return record.member.state === "dead" && swim.now - record.changedAt < swim.settings.gossipToTheDeadMs;
}

function nextBeat(swim: Swim): number {
  return swim.lastGossipAt + swim.settings.gossipIntervalMs;
}

/** How often news is passed on: enough for everyone to hear it with high probability (SWIM, section 4.1). */
function transmitLimit(swim: Swim): number {
  return Math.ceil(swim.settings.retransmitMult * Math.ceil(Math.log10(swim.live + 1)));
}

export function onBroadcast(swim: Swim, payload: Uint8Array): void {
  const id = `${swim.address.name}/${swim.runId}/${(swim.nextBroadcast++).toString(36)}`;
  onUser(swim, { type: "user", id, payload });
}

/** Delivers a broadcast once, and passes it on. */
export function onUser(swim: Swim, message: UserUpdate): void {
  const { seen } = swim;
  if (seen.has(message.id)) return;
  seen.add(message.id);
  if (seen.size > maxSeen) {
    for (const oldest of seen) {
      seen.delete(oldest);
      break;
    }
  }
  swim.effects.events.push({ type: "user", id: message.id, payload: message.payload });
  spread(swim, message);
}

/** Whether the news about a member still has to be passed on. */
export function isSpreading(swim: Swim, message: Gossip): boolean {
  return swim.queue.has(topicOf(message));
}
