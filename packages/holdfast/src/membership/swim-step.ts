import type { Address } from "../runtime/index.ts";
import { InvalidArgumentError } from "../errors/base.ts";
import type { DeadUpdate, Message } from "./message.ts";
import { onClaim, onForgetTime, onSuspicionTime, raiseIncarnation } from "./swim-claims.ts";
import { noEffects, type Effects } from "./swim-effects.ts";
import { isSpreading, onBroadcast, onGossipTime, onUser, sendPacket, spread } from "./swim-gossip.ts";
import type { Input } from "./swim-input.ts";
import { answersTo, onAck, onNack, onPingReq, onProbeDue, onProbeTime, onRelayTime, probeDue } from "./swim-probe.ts";
import { checkMeta } from "./swim-settings.ts";
import { noticeStall } from "./swim-stall.ts";
import {
  onJoin,
  onPushPullTime,
  onReconnectTime,
  onStreamAnswer,
  onStreamFailed,
  onStreamRequest,
} from "./swim-sync.ts";
import type { Swim } from "./swim.ts";

/** A farewell that is not spread after so many gossip intervals has to do. */
const farewellIntervals = 20;

/**
 * Takes one input and says what to do about it. Synchronous; the state is changed in place.
 *
 * @throws InvalidArgumentError for a `meta` or payload that is too large, with nothing changed
 */
export function step(swim: Swim, input: Input): Effects {
  checkInput(swim, input);
  const effects = noEffects();
  swim.effects = effects;
  swim.now = Math.max(swim.now, input.now);
  if (swim.phase === "departed") {
    swim.wakeAt = Number.POSITIVE_INFINITY;
    return effects;
  }
  const isWake = input.type === "wake";
  // All that waited has been read by the second wake-up; a loop that is always late would never do anything otherwise.
  const lagMs = isWake && swim.drained ? 0 : noticeStall(swim);
  if (lagMs > 0) swim.mustDrain = true;
  if (isWake) {
    effects.drain = swim.mustDrain;
    swim.drained = swim.mustDrain;
    swim.mustDrain = false;
  }
  if (!effects.drain) dispatch(swim, input);
  swim.wakeAt = Math.max(swim.now, nextWake(swim));
  return effects;
}

function checkInput(swim: Swim, input: Input): void {
  if (input.type === "updateMeta") checkMeta(swim.settings, input.meta);
  if (input.type !== "broadcast") return;
  const { sizeOf, maxPacketBytes } = swim.settings;
  const id = "x".repeat(swim.address.name.length * 3 + 24);
  if (sizeOf({ type: "user", id, payload: input.payload }) <= maxPacketBytes) return;
  throw new InvalidArgumentError("payload", `must fit in a packet of ${maxPacketBytes} bytes`, input.payload.length);
}

function dispatch(swim: Swim, input: Input): void {
  switch (input.type) {
    case "wake":
      onWake(swim);
      return;
    case "receive":
      for (const message of input.messages) onMessage(swim, input.from, message);
      return;
    case "streamRequest":
      onStreamRequest(swim, input.connection, input.messages);
      return;
    case "streamAnswer":
      onStreamAnswer(swim, input.exchange, input.messages);
      return;
    case "streamFailed":
      onStreamFailed(swim, input.exchange);
      return;
    case "join":
      onJoin(swim, input.addresses);
      return;
    case "leave":
      onLeave(swim);
      return;
    case "updateMeta":
      if (swim.phase === "member") raiseIncarnation(swim, 0, input.meta);
      return;
    case "broadcast":
      if (swim.phase === "member") onBroadcast(swim, input.payload);
  }
}

function onMessage(swim: Swim, from: Address, message: Message): void {
  switch (message.type) {
    case "ping": {
      const answers = answersTo(swim, message);
      if (answers.length > 0) sendPacket(swim, from, answers);
      return;
    }
    case "pingReq":
      if (swim.phase === "member") onPingReq(swim, from, message);
      return;
    case "ack":
      onAck(swim, message);
      return;
    case "nack":
      onNack(swim, message.seq);
      return;
    case "user":
      onUser(swim, message);
      return;
    case "pushPull":
      // Comes over streams only; in a packet it is of no use.
      return;
    default:
      onClaim(swim, message, from);
  }
}

/** Does all that is due. Judgements first: what comes of them travels with what is sent after. */
function onWake(swim: Swim): void {
  const { now, probe } = swim;
  if (probe !== undefined && probeDue(probe) <= now) onProbeDue(swim, probe);
  if (swim.nextSuspicionAt <= now) onSuspicionTime(swim);
  if (swim.nextRelayAt <= now) onRelayTime(swim);
  if (swim.probeAt <= now) onProbeTime(swim);
  if (swim.pushPullAt <= now) onPushPullTime(swim);
  if (swim.reconnectAt <= now) onReconnectTime(swim);
  if (swim.forgetAt <= now) onForgetTime(swim);
  if (swim.gossipAt <= now) onGossipTime(swim);
  if (swim.phase === "leaving" && (swim.leaveAt <= now || !isSpreading(swim, farewell(swim)))) depart(swim);
}

function nextWake(swim: Swim): number {
  const probe = swim.probe === undefined ? Number.POSITIVE_INFINITY : probeDue(swim.probe);
  return Math.min(
    probe,
    swim.nextSuspicionAt,
    swim.nextRelayAt,
    swim.probeAt,
    swim.pushPullAt,
    swim.reconnectAt,
    swim.forgetAt,
    swim.gossipAt,
    swim.leaveAt,
  );
}

/** Says farewell and stops judging others; answers go on until the farewell is spread. */
function onLeave(swim: Swim): void {
  if (swim.phase !== "member") return;
  swim.phase = "leaving";
  swim.self.member = { ...swim.self.member, state: "left" };
  swim.live--;
  swim.probe = undefined;
  swim.suspects.clear();
  swim.nextSuspicionAt = Number.POSITIVE_INFINITY;
  swim.probeAt = Number.POSITIVE_INFINITY;
  swim.pushPullAt = Number.POSITIVE_INFINITY;
  swim.reconnectAt = Number.POSITIVE_INFINITY;
  if (swim.live === 0) {
    depart(swim);
    return;
  }
  swim.leaveAt = swim.now + farewellIntervals * swim.settings.gossipIntervalMs;
  spread(swim, farewell(swim), true);
  onGossipTime(swim);
}

function depart(swim: Swim): void {
  swim.phase = "departed";
  swim.leaveAt = Number.POSITIVE_INFINITY;
  swim.gossipAt = Number.POSITIVE_INFINITY;
  swim.effects.events.push({ type: "departed" });
}

function farewell({ self }: Swim): DeadUpdate {
  const { name, incarnation } = self.member;
  return { type: "dead", name, incarnation, from: name };
}
