import type { HeartbeatResult } from "./message.ts";
import type { Progress } from "./progress.ts";
import { committedBy, type Raft } from "./raft.ts";

/**
 * A leader's lease: the time in which a majority will elect nobody else. It counts from when the leader asked, because
 * the followers' promises began some time between that and their answers; it ends earlier than they do by what clocks
 * may differ in rate; and it needs check-quorum and pre-vote, which are always on.
 *
 * While the lease holds, the commit index is the cluster's: nobody can have committed more. What a promise is kept
 * against is said at `leaderIsFresh`; a member that restarts keeps what it may have promised before.
 */
export function extendLease(raft: Raft, message: HeartbeatResult, progress: Progress): void {
  const { leaseFrom, now, plant, clockDriftRatio } = raft;
  if (message.sentAt < leaseFrom || message.sentAt > now) return;
  const from = plant === "lease-from-receipt" ? now : message.sentAt;
  progress.leaseUntil = Math.max(progress.leaseUntil, from + message.holdMs * (1 - clockDriftRatio));
}

/** Whether this leader may answer at the commit index without asking anyone, at the core's present time. */
export function leaseHolds(raft: Raft): boolean {
  if (raft.reads !== "lease" || raft.transfer !== undefined) return false;
  const until = committedBy(raft, (voter) =>
    voter === raft.id ? Number.POSITIVE_INFINITY : (raft.progress.get(voter)?.leaseUntil ?? 0),
  );
  return raft.now < until;
}

/** Ends the lease; what was asked before `from` gives none any more. */
export function endLease(raft: Raft, from: number): void {
  raft.leaseFrom = from;
  for (const progress of raft.progress.values()) progress.leaseUntil = 0;
}

/**
 * Takes in the time. A node that finds itself later than it can have been but for a pause (its driver tells the time
 * several times a heartbeat) trusts nothing that it was promised before: the clock may have stood still with it.
 */
export function passTime(raft: Raft, now: number): void {
  if (now <= raft.now) return;
  if (now - raft.now > raft.heartbeatMs) {
    endLease(raft, Math.max(raft.leaseFrom, Math.floor(now)));
  }
  raft.now = now;
}

/** What an answer to a heartbeat promises. */
export function promisedMs(raft: Raft): number {
  return raft.reads === "lease" ? Math.floor(raft.electionTimeoutMs) : 0;
}
