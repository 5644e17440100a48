import type { NodeId } from "./entry.ts";
import { extendLease, leaseHolds, promisedMs } from "./lease.ts";
import type { Heartbeat, HeartbeatResult } from "./message.ts";
import type { Progress } from "./progress.ts";
import { committedBy, heardQuorum, type Raft } from "./raft.ts";

/**
 * Starts a linearizable read (Raft dissertation, section 6.4): the read is at the present commit index, and may be
 * answered once a majority has confirmed, after the read came in, that this node leads; or at once under a lease.
 */
export function readAsLeader(raft: Raft, id: number, from: NodeId): void {
  // Until an entry of this term is committed, the commit index may lag behind what an earlier leader acknowledged.
  if (raft.log.termAt(raft.commit) !== raft.term && raft.plant !== "read-before-term-commit") {
    raft.earlyReads.push({ id, from });
    return;
  }
  const alone = heardQuorum(raft, (voter) => voter === raft.id);
  if (alone || leaseHolds(raft) || raft.plant === "stale-read") {
    answerRead(raft, id, from, raft.commit);
    return;
  }
  raft.readRounds.push({ sequence: ++raft.readSequence, index: raft.commit, id, from });
  broadcastHeartbeat(raft);
}

export function readAfterFirstCommit(raft: Raft): void {
  if (raft.earlyReads.length === 0) return;
  for (const { id, from } of raft.earlyReads.splice(0)) readAsLeader(raft, id, from);
}

export function broadcastHeartbeat(raft: Raft): void {
  raft.heartbeatDeadline = raft.now + raft.heartbeatMs;
  for (const [to, progress] of raft.progress) {
    raft.effects.messages.push({
      type: "heartbeat",
      from: raft.id,
      to,
      term: raft.term,
      // Only what the follower is known to hold: it may still lack what lies between.
      commit: raft.plant === "commit-beyond-verified" ? raft.commit : Math.min(raft.commit, progress.match),
      readSequence: raft.readSequence,
      sentAt: Math.max(0, Math.floor(raft.now)),
    });
  }
}

export function onHeartbeat(raft: Raft, message: Heartbeat): void {
  raft.commit = Math.max(raft.commit, Math.min(message.commit, raft.log.lastIndex));
  raft.effects.messages.push({
    type: "heartbeatResult",
    from: raft.id,
    to: message.from,
    term: raft.term,
    readSequence: message.readSequence,
    sentAt: message.sentAt,
    holdMs: promisedMs(raft),
  });
}

/** Counts a follower's confirmation and answers the rounds that a majority has confirmed. */
export function confirmReads(raft: Raft, message: HeartbeatResult, progress: Progress): void {
  extendLease(raft, message, progress);
  progress.readSequence = Math.max(progress.readSequence, message.readSequence);
  if (raft.readRounds.length === 0) return;
  const confirmed = committedBy(raft, (voter) =>
    voter === raft.id ? raft.readSequence : (raft.progress.get(voter)?.readSequence ?? 0),
  );
  while (raft.readRounds.length > 0 && raft.readRounds[0]!.sequence <= confirmed) {
    const { id, from, index } = raft.readRounds.shift()!;
    answerRead(raft, id, from, index);
  }
}

function answerRead(raft: Raft, id: number, from: NodeId, index: number): void {
  if (from === raft.id) raft.effects.reads.push({ id, index });
  else raft.effects.messages.push({ type: "readIndexResult", from: raft.id, to: from, term: raft.term, id, index });
}
