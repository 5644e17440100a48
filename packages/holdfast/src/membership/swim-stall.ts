import type { Swim } from "./swim.ts";

/** A wake-up may be late by this much, or an eighth of the probe timeout, without anybody losing trust. */
const toleranceMs = 30;

/**
 * Notices that this process was held up: the wake-up it had asked for comes late. Then the answers to its probes may lie
 * unread in the socket's buffer, and nobody can be accused for the silence. Every deadline that judges somebody moves
 * by as much. Returns how late it is, 0 when that is of no account.
 *
 * Deadlines move by the lag alone: were they put off until some time from now, a process that is a little late again and
 * again would never judge anybody. Only a hold-up so long that the socket may have overflowed earns more.
 */
export function noticeStall(swim: Swim): number {
  const { probeTimeoutMs, probeIntervalMs, stallAware } = swim.settings;
  const lagMs = swim.now - swim.wakeAt;
  if (!stallAware || lagMs <= Math.max(toleranceMs, probeTimeoutMs / 8)) return 0;
  const isLong = lagMs >= probeIntervalMs;
  extendDeadlines(swim, lagMs, isLong ? swim.now + probeTimeoutMs : Number.NEGATIVE_INFINITY);
  if (lagMs < probeTimeoutMs / 2) return lagMs;
  // Long enough to have missed an answer, or to have been missed.
  swim.counts.stalls++;
  swim.health.add(1 + Math.floor(lagMs / probeIntervalMs));
  swim.effects.events.push({ type: "stalled", lagMs });
  // Whatever was said meanwhile, of this member too, is learnt at once.
  if (isLong) swim.pushPullAt = Math.min(swim.pushPullAt, swim.now);
  return lagMs;
}

function extendDeadlines(swim: Swim, lagMs: number, notBefore: number): void {
  const { probe } = swim;
  if (probe !== undefined) {
    probe.measured = false;
    probe.timeoutAt += lagMs;
    probe.deadline = Math.max(probe.deadline + lagMs, notBefore);
  }
  for (const relay of swim.relays.values()) {
    relay.nackAt += lagMs;
    relay.expiresAt += lagMs;
  }
  swim.nextRelayAt += lagMs;
  swim.nextSuspicionAt = Number.POSITIVE_INFINITY;
  for (const { suspicion } of swim.suspects) {
    if (suspicion === undefined) continue;
    suspicion.extend(lagMs, notBefore);
    swim.nextSuspicionAt = Math.min(swim.nextSuspicionAt, suspicion.deadline);
  }
}
