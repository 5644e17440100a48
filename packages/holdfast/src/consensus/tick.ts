import { preCampaign } from "./election.ts";
import { passTime } from "./lease.ts";
import { heardQuorum, resetElectionDeadline, type Raft } from "./raft.ts";
import { broadcastHeartbeat } from "./reads.ts";
import { becomeFollower } from "./roles.ts";
import { giveUpTransfer, transferLeadership } from "./transfer.ts";

/** `diskWaitMs` is how long the disk has been at its present write. */
export function onTick(raft: Raft, now: number, diskWaitMs: number): void {
  passTime(raft, now);
  watchDisk(raft, diskWaitMs);
  if (raft.role === "leader") leadOn(raft);
  else if (raft.now >= raft.electionDeadline) seekLeader(raft);
}

function leadOn(raft: Raft): void {
  if (!hearsQuorum(raft)) {
    raft.effects.facts.push({ type: "quorumLost", term: raft.term });
    becomeFollower(raft, raft.term, 0);
    return;
  }
  if (raft.transfer !== undefined && raft.now >= raft.transfer.deadline) {
    giveUpTransfer(raft);
    if (raft.diskStalled) {
      becomeFollower(raft, raft.term, 0);
      return;
    }
  }
  if (raft.now >= raft.heartbeatDeadline) broadcastHeartbeat(raft);
}

/** Check-quorum: a leader that has not heard a majority for an election timeout leads nobody (dissertation, 6.2). */
function hearsQuorum(raft: Raft): boolean {
  return heardQuorum(raft, (voter) => {
    const progress = raft.progress.get(voter);
    return voter === raft.id || (progress !== undefined && raft.now - progress.heardAt < raft.electionTimeoutMs);
  });
}

function seekLeader(raft: Raft): void {
  if (raft.diskStalled) {
    // Its votes would not leave and its entries not count: let others win.
    becomeFollower(raft, raft.term, 0);
    resetElectionDeadline(raft);
    return;
  }
  preCampaign(raft);
}

/**
 * A leader whose disk hangs does no harm at once, as the others' disks suffice to commit; but the cluster is one failure
 * closer to standing still, and what the leader cannot write collects in its memory. So it lets another lead.
 */
function watchDisk(raft: Raft, waitMs: number): void {
  const stalled = waitMs > raft.diskHangMs;
  if (stalled === raft.diskStalled) return;
  raft.diskStalled = stalled;
  raft.effects.facts.push(stalled ? { type: "diskStalled", waitMs } : { type: "diskRecovered" });
  if (!stalled || raft.role !== "leader" || heardQuorum(raft, (voter) => voter === raft.id)) return;
  transferLeadership(raft, 0);
  if (raft.transfer !== undefined) return;
  // Nobody to hand it to, which nobody has asked to hear of.
  raft.effects.transferRefused = undefined;
  becomeFollower(raft, raft.term, 0);
}
