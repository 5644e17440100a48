import type { Role } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import { resetElectionDeadline, type Raft } from "./raft.ts";

export function changeRole(raft: Raft, role: Role): void {
  if (raft.role === role) return;
  raft.role = role;
  raft.effects.facts.push({ type: "roleChanged", role, term: raft.term });
}

export function changeLeader(raft: Raft, leader: NodeId): void {
  if (raft.leader === leader) return;
  raft.leader = leader;
  raft.effects.facts.push({ type: "leaderChanged", leader, term: raft.term });
}

/** Moves to `term` (forgetting the vote when it is a new one) as a follower of `leader`, 0 when it is not known. */
export function becomeFollower(raft: Raft, term: number, leader: NodeId): void {
  if (term > raft.term) {
    raft.term = term;
    raft.vote = 0;
  }
  if (raft.role === "leader") dropReads(raft);
  if (raft.role !== "follower") resetElectionDeadline(raft);
  raft.progress.clear();
  raft.transfer = undefined;
  raft.votes.clear();
  changeRole(raft, "follower");
  changeLeader(raft, leader);
}

/** Takes in a sign of life of the term's leader. */
export function hearLeader(raft: Raft, leader: NodeId): void {
  if (raft.role !== "follower" || raft.leader !== leader) becomeFollower(raft, raft.term, leader);
  raft.leaderHeardAt = raft.now;
  resetElectionDeadline(raft);
}

/** A leader that stops leading can confirm nothing: its own readers ask again, others time out and ask the next. */
function dropReads(raft: Raft): void {
  for (const { id, from } of [...raft.readRounds, ...raft.earlyReads]) {
    if (from === raft.id) raft.effects.droppedReads.push(id);
  }
  raft.readRounds = [];
  raft.earlyReads = [];
}
