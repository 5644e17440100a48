import type { ConsensusErrorCode } from "./consensus-error.ts";
import { campaign } from "./election.ts";
import type { NodeId } from "./entry.ts";
import { endLease } from "./lease.ts";
import type { TimeoutNow } from "./message.ts";
import type { Progress } from "./progress.ts";
import { mayCampaign, mayLead, type Raft } from "./raft.ts";
import { sendAppend } from "./replication.ts";

/**
 * Hands leadership to another voter (Raft dissertation, section 3.10): takes no new commands, brings the other's log up
 * to its own, and then tells it to stand for election at once. 0 stands for whoever is furthest.
 */
export function transferLeadership(raft: Raft, to: NodeId): void {
  if (to === raft.id && raft.role === "leader") return;
  const target = to === 0 ? furthestVoter(raft) : to;
  const refusal = refusalOf(raft, target);
  if (refusal !== undefined) {
    raft.effects.transferRefused = refusal;
    return;
  }
  // Asked for twice, it goes on as it is.
  if (raft.transfer !== undefined) return;
  raft.transfer = { to: target, deadline: raft.now + raft.electionTimeoutMs };
  raft.effects.facts.push({ type: "transferStarted", to: target, term: raft.term });
  const progress = raft.progress.get(target)!;
  if (!hasCaughtUp(raft, progress)) sendAppend(raft, target, progress);
  pursueTransfer(raft, target, progress);
}

function refusalOf(raft: Raft, target: NodeId): ConsensusErrorCode | undefined {
  const { role, transfer } = raft;
  if (role !== "leader") return "NOT_LEADER";
  if (transfer !== undefined) return target === 0 || target === transfer.to ? undefined : "TRANSFER_UNDER_WAY";
  if (target === 0) return "MEMBER_UNREACHABLE";
  const progress = raft.progress.get(target);
  if (!mayLead(raft, target) || progress === undefined) return "NO_SUCH_VOTER";
  return isHeard(raft, progress) ? undefined : "MEMBER_UNREACHABLE";
}

function isHeard(raft: Raft, progress: Progress): boolean {
  return raft.now - progress.heardAt < raft.electionTimeoutMs;
}

/** The voter heard lately that holds most of the log; 0 when there is none. */
function furthestVoter(raft: Raft): NodeId {
  let furthest = 0;
  let match = -1;
  for (const [id, progress] of raft.progress) {
    if (progress.match <= match || !mayLead(raft, id) || !isHeard(raft, progress)) continue;
    furthest = id;
    match = progress.match;
  }
  return furthest;
}

function hasCaughtUp(raft: Raft, progress: Progress): boolean {
  return progress.match === raft.log.lastIndex || raft.plant === "transfer-without-catch-up";
}

/** Called with every sign of a follower: the one that is to lead is told to once it has everything, and told again. */
export function pursueTransfer(raft: Raft, id: NodeId, progress: Progress): void {
  if (raft.transfer?.to !== id || !hasCaughtUp(raft, progress)) return;
  // From here on somebody may be elected at any time, however late this arrives: no lease in this term any more.
  endLease(raft, Number.POSITIVE_INFINITY);
  raft.effects.messages.push({ type: "timeoutNow", from: raft.id, to: id, term: raft.term });
}

/** The other did not make it in an election timeout: proposals are taken again. */
export function giveUpTransfer(raft: Raft): void {
  const { to } = raft.transfer!;
  raft.transfer = undefined;
  raft.effects.facts.push({ type: "transferAborted", to, term: raft.term });
}

export function onTimeoutNow(raft: Raft, message: TimeoutNow): void {
  if (raft.role === "leader" || raft.leader !== message.from || !mayCampaign(raft) || raft.diskStalled) return;
  campaign(raft, true);
}
