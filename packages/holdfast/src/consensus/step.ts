import { noEffects, type AppendMark, type Effects } from "./effects.ts";
import { onRequestVote, onVoteResult, preCampaign } from "./election.ts";
import type { NodeId } from "./entry.ts";
import type { HeartbeatResult, Message, Propose } from "./message.ts";
import type { Progress } from "./progress.ts";
import { leaderIsFresh, type Raft } from "./raft.ts";
import { broadcastHeartbeat, confirmReads, onHeartbeat, readAsLeader } from "./reads.ts";
import {
  advanceCommit,
  broadcastAppend,
  onAppend,
  onAppendAccepted,
  onAppendRejected,
  onSnapshot,
  onSnapshotSent,
  onUnreachable,
  proposeAsLeader,
  sendAppend,
} from "./replication.ts";
import { becomeFollower, hearLeader } from "./roles.ts";

/** Everything that can happen to a Raft node. */
export type Input =
  /** Time has passed; `now` is monotonic milliseconds. */
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "propose"; readonly commands: readonly Uint8Array[] }
  /** A linearizable read was asked for on this node; `id` comes back in `reads` or `droppedReads`. */
  | { readonly type: "read"; readonly id: number }
  /** The durable log has got as far as an earlier step's mark. */
  | { readonly type: "synced"; readonly mark: AppendMark }
  /** A durable snapshot covers the log up to `index`, which is applied; entries up to it may go from memory. */
  | { readonly type: "compact"; readonly index: number }
  /** Sending the snapshot of `index` to a follower has ended. */
  | { readonly type: "snapshotSent"; readonly to: NodeId; readonly index: number; readonly delivered: boolean }
  /** Messages to this peer may have been lost. */
  | { readonly type: "unreachable"; readonly peer: NodeId };

/** Takes one input and says what to do about it. Synchronous; the state is changed in place. */
export function step(raft: Raft, input: Input): Effects {
  const effects = noEffects();
  raft.effects = effects;
  dispatch(raft, input);
  if (raft.term !== raft.handedTerm || raft.vote !== raft.handedVote) {
    raft.handedTerm = raft.term;
    raft.handedVote = raft.vote;
    effects.hardState = { term: raft.term, vote: raft.vote };
  }
  return effects;
}

function dispatch(raft: Raft, input: Input): void {
  switch (input.type) {
    case "tick":
      onTick(raft, input.now);
      return;
    case "message":
      onMessage(raft, input.message);
      return;
    case "propose":
      onPropose(raft, input.commands);
      return;
    case "read":
      onRead(raft, input.id);
      return;
    case "synced":
      onSynced(raft, input.mark);
      return;
    case "compact":
      // A snapshot installed meanwhile may have moved the log past this one.
      if (input.index > raft.log.baseIndex) raft.log.compact(input.index);
      return;
    case "snapshotSent":
      onSnapshotSent(raft, input.to, input.index, input.delivered);
      return;
    case "unreachable":
      onUnreachable(raft, input.peer);
  }
}

function onTick(raft: Raft, now: number): void {
  raft.now = Math.max(raft.now, now);
  if (raft.role !== "leader") {
    if (raft.now >= raft.electionDeadline) preCampaign(raft);
    return;
  }
  if (!hearsQuorum(raft)) {
    raft.effects.facts.push({ type: "quorumLost", term: raft.term });
    becomeFollower(raft, raft.term, 0);
    return;
  }
  if (raft.now >= raft.heartbeatDeadline) broadcastHeartbeat(raft);
}

/** Check-quorum: a leader that has not heard a majority for an election timeout leads nobody (dissertation, 6.2). */
function hearsQuorum(raft: Raft): boolean {
  let heard = 1;
  for (const progress of raft.progress.values()) {
    if (raft.now - progress.heardAt < raft.electionTimeoutMs) heard++;
  }
  return heard >= raft.quorum;
}

function onPropose(raft: Raft, commands: readonly Uint8Array[]): void {
  if (raft.role === "leader") {
    proposeAsLeader(raft, commands);
  } else if (raft.leader === 0) {
    raft.effects.dropped.push(...commands);
  } else {
    raft.effects.messages.push({ type: "propose", from: raft.id, to: raft.leader, term: raft.term, commands });
  }
}

function onRead(raft: Raft, id: number): void {
  if (raft.role === "leader") {
    readAsLeader(raft, id, raft.id);
  } else if (raft.leader === 0) {
    raft.effects.droppedReads.push(id);
  } else {
    raft.effects.messages.push({ type: "readIndex", from: raft.id, to: raft.leader, term: raft.term, id });
  }
}

function onSynced(raft: Raft, mark: AppendMark): void {
  if (mark.epoch !== raft.epoch) return;
  raft.syncedIndex = Math.max(raft.syncedIndex, mark.index);
  if (raft.role === "leader" && advanceCommit(raft)) broadcastAppend(raft);
}

function onMessage(raft: Raft, message: Message): void {
  if (message.term > raft.term && !takeHigherTerm(raft, message)) return;
  if (message.term < raft.term) {
    answerLowerTerm(raft, message);
    return;
  }
  switch (message.type) {
    case "requestVote":
      onRequestVote(raft, message);
      return;
    case "voteResult":
      onVoteResult(raft, message);
      return;
    case "append":
      onAppend(raft, message);
      return;
    case "heartbeat":
      hearLeader(raft, message.from);
      onHeartbeat(raft, message);
      return;
    case "snapshot":
      onSnapshot(raft, message);
      return;
    case "propose":
      onForwarded(raft, message);
      return;
    case "readIndex":
      if (raft.role === "leader") readAsLeader(raft, message.id, message.from);
      return;
    case "readIndexResult":
      raft.effects.reads.push({ id: message.id, index: message.index });
      return;
    default:
      onFollowerResult(raft, message);
  }
}

/** False when the message ends here. Afterwards the node's term is at least the message's, but for pre-votes. */
function takeHigherTerm(raft: Raft, message: Message): boolean {
  switch (message.type) {
    case "requestVote":
      if (message.preVote) {
        onRequestVote(raft, message);
        return false;
      }
      // A voter that hears its leader does not help to replace it, whatever the candidate's term.
      if (leaderIsFresh(raft)) return false;
      becomeFollower(raft, message.term, 0);
      return true;
    case "voteResult":
      if (message.preVote && message.granted) {
        onVoteResult(raft, message);
        return false;
      }
      becomeFollower(raft, message.term, 0);
      return true;
    case "append":
    case "heartbeat":
    case "snapshot":
      becomeFollower(raft, message.term, message.from);
      return true;
    default:
      becomeFollower(raft, message.term, 0);
      return true;
  }
}

/** A sender that lives in the past learns the present term from our answer; everything else of it is void. */
function answerLowerTerm(raft: Raft, message: Message): void {
  const { id, term } = raft;
  const to = message.from;
  switch (message.type) {
    case "requestVote":
      raft.effects.messagesAfterSync.push({
        type: "voteResult",
        from: id,
        to,
        term,
        preVote: message.preVote,
        granted: false,
      });
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
      raft.effects.messagesAfterSync.push({ type: "heartbeatResult", from: id, to, term, readSequence: 0 });
      return;
    default:
  }
}

function onForwarded(raft: Raft, message: Propose): void {
  // Only the leader takes forwarded commands; handed on again they could circle. The asker repeats what is lost.
  if (raft.role === "leader") proposeAsLeader(raft, message.commands);
}

function onFollowerResult(
  raft: Raft,
  message: Extract<Message, { type: "appendAccepted" | "appendRejected" | "heartbeatResult" }>,
): void {
  const progress = raft.progress.get(message.from);
  if (raft.role !== "leader" || progress === undefined) return;
  progress.heardAt = raft.now;
  if (message.type === "appendAccepted") onAppendAccepted(raft, message, progress);
  else if (message.type === "appendRejected") onAppendRejected(raft, message, progress);
  else onHeartbeatResult(raft, message, progress);
}

function onHeartbeatResult(raft: Raft, message: HeartbeatResult, progress: Progress): void {
  confirmReads(raft, message, progress);
  progress.probing = false;
  // The answers to a full window may be lost: let one more append out, whose answer tells.
  if (progress.mode === "replicate" && progress.inFlight.length >= raft.maxInFlight) progress.inFlight.shift();
  if (progress.match < raft.log.lastIndex || progress.mode === "probe") sendAppend(raft, message.from, progress);
}
