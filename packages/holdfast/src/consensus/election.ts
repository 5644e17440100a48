import { createProgress } from "./progress.ts";
import type { RequestVote, VoteResult } from "./message.ts";
import { others } from "./configuration-history.ts";
import {
  holdsOut,
  leaderIsFresh,
  mayCampaign,
  peers,
  resetElectionDeadline,
  resetPreVoteDeadline,
  votesOf,
  type Raft,
} from "./raft.ts";
import { appendNoop, broadcastAppend } from "./replication.ts";
import { broadcastHeartbeat } from "./reads.ts";
import { becomeFollower, changeLeader, changeRole } from "./roles.ts";

/** Asks whether an election could be won, without disturbing anyone (Raft dissertation, section 9.6). */
export function preCampaign(raft: Raft): void {
  if (!mayCampaign(raft)) {
    changeLeader(raft, 0);
    resetElectionDeadline(raft);
    return;
  }
  changeRole(raft, "preCandidate");
  changeLeader(raft, 0);
  resetPreVoteDeadline(raft);
  raft.votes = new Map([[raft.id, true]]);
  for (const to of peers(raft)) raft.effects.messages.push(requestVote(raft, to, true, false));
  decide(raft);
}

/**
 * Starts a new term and stands for it. The vote for itself, too, counts only once it is durable. After a transfer of
 * leadership there is nobody to ask first, and voters that hear the leader are told that it wants this.
 */
export function campaign(raft: Raft, leadershipTransfer = false): void {
  raft.term++;
  raft.vote = raft.id;
  raft.votes = new Map();
  changeRole(raft, "candidate");
  changeLeader(raft, 0);
  resetElectionDeadline(raft);
  const { effects } = raft;
  effects.messagesAfterSync.push({
    type: "voteResult",
    from: raft.id,
    to: raft.id,
    term: raft.term,
    preVote: false,
    granted: true,
  });
  for (const to of peers(raft)) effects.messagesAfterSync.push(requestVote(raft, to, false, leadershipTransfer));
}

function requestVote(raft: Raft, to: number, preVote: boolean, leadershipTransfer: boolean): RequestVote {
  const { lastIndex, lastTerm } = raft.log;
  const term = preVote ? raft.term + 1 : raft.term;
  return { type: "requestVote", from: raft.id, to, term, preVote, leadershipTransfer, lastIndex, lastTerm };
}

/** The caller has dealt with a higher term of a real request, and with voters that still hear a leader. */
export function onRequestVote(raft: Raft, message: RequestVote): void {
  const { log } = raft;
  const upToDate =
    message.lastTerm > log.lastTerm || (message.lastTerm === log.lastTerm && message.lastIndex >= log.lastIndex);
  if (message.preVote) {
    const granted = message.term > raft.term && upToDate && !leaderIsFresh(raft);
    raft.effects.messages.push({
      type: "voteResult",
      from: raft.id,
      to: message.from,
      // A grant names the term asked for; a refusal names ours, from which an outdated asker learns.
      term: granted ? message.term : raft.term,
      preVote: true,
      granted,
    });
    return;
  }
  const free = raft.vote === message.from || (raft.vote === 0 && raft.leader === 0);
  const bound = raft.reads === "lease" && holdsOut(raft) && !message.leadershipTransfer;
  const granted = message.term === raft.term && free && upToDate && !bound;
  if (granted) {
    raft.vote = message.from;
    resetElectionDeadline(raft);
  }
  raft.effects.messagesAfterSync.push({
    type: "voteResult",
    from: raft.id,
    to: message.from,
    term: raft.term,
    preVote: false,
    granted,
  });
}

export function onVoteResult(raft: Raft, message: VoteResult): void {
  const wanted = message.preVote ? "preCandidate" : "candidate";
  if (raft.role !== wanted) return;
  // A grant of an earlier campaign says nothing about this one.
  const term = message.preVote && message.granted ? raft.term + 1 : raft.term;
  if (message.term !== term) return;
  if (!raft.votes.has(message.from)) raft.votes.set(message.from, message.granted);
  decide(raft);
}

function decide(raft: Raft): void {
  const outcome = votesOf(raft, raft.votes);
  if (outcome === "pending") return;
  if (outcome === "lost") lose(raft);
  else if (raft.role === "preCandidate") campaign(raft);
  else becomeLeader(raft);
}

function lose(raft: Raft): void {
  const wasAsking = raft.role === "preCandidate";
  becomeFollower(raft, raft.term, 0);
  if (wasAsking) resetPreVoteDeadline(raft);
}

function becomeLeader(raft: Raft): void {
  changeRole(raft, "leader");
  changeLeader(raft, raft.id);
  const next = raft.log.lastIndex + 1;
  raft.progress = new Map(others(raft).map((peer) => [peer, createProgress(next, raft.now)]));
  raft.uncommittedBytes = 0;
  raft.readRounds = [];
  raft.earlyReads = [];
  raft.readSequence = 0;
  raft.leaseFrom = 0;
  appendNoop(raft);
  broadcastHeartbeat(raft);
  broadcastAppend(raft);
}
