import { noEffects, type AppendMark, type Effects } from "./effects.ts";
import { trimConfigurations } from "./configuration-history.ts";
import { onRequestVote, onVoteResult } from "./election.ts";
import type { NodeId } from "./entry.ts";
import type { HeartbeatResult, Message, Propose } from "./message.ts";
import type { Progress } from "./progress.ts";
import { passTime } from "./lease.ts";
import { leaderIsFresh, type Raft } from "./raft.ts";
import { confirmReads, onHeartbeat, readAsLeader } from "./reads.ts";
import {
  advanceCommit,
  broadcastAppend,
  goOnSending,
  onAppend,
  onAppendAccepted,
  onAppendRejected,
  onSnapshot,
  onSnapshotSent,
  onUnreachable,
  proposeAsLeader,
  sendToWitnesses,
} from "./replication.ts";
import { changeConfiguration, settleConfiguration, type ChangeRequest } from "./reconfiguration.ts";
import { becomeFollower, changeLeader, hearLeader } from "./roles.ts";
import { onTick } from "./tick.ts";
import { onTimeoutNow, pursueTransfer, transferLeadership } from "./transfer.ts";

/** Everything that can happen to a Raft node. */
export type Input =
  /**
   * Time has passed; `now` is monotonic milliseconds, told several times a heartbeat. `diskWaitMs` is how long the disk
   * has been at what it is asked to make durable, 0 (the default) when nothing is.
   */
  | { readonly type: "tick"; readonly now: number; readonly diskWaitMs?: number }
  /** With lease reads, `now` must be the time at which the message is given: promises begin with it. */
  | { readonly type: "message"; readonly message: Message; readonly now?: number }
  | { readonly type: "propose"; readonly commands: readonly Uint8Array[] }
  /** A linearizable read was asked for on this node; `id` comes back in `reads` or `droppedReads`. `now` as above. */
  | { readonly type: "read"; readonly id: number; readonly now?: number }
  /** Hand leadership to this voter, or with 0 to the one that is furthest; refusals come back in `transferRefused`. */
  | { readonly type: "transferLeadership"; readonly to: NodeId }
  /** Change the members; what became of it comes back in `configurationResults`, perhaps many steps later. */
  | ({ readonly type: "changeConfiguration" } & ChangeRequest)
  /** Whoever leads is known to be gone: help to elect another without waiting. Lease reads rule it out: nothing happens. */
  | { readonly type: "forgetLeader" }
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
  settleConfiguration(raft);
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
      onTick(raft, input.now, input.diskWaitMs ?? 0);
      return;
    case "message":
      learnTime(raft, input.now);
      onMessage(raft, input.message);
      return;
    case "propose":
      onPropose(raft, input.commands);
      return;
    case "read":
      learnTime(raft, input.now);
      onRead(raft, input.id);
      return;
    case "changeConfiguration":
      changeConfiguration(raft, input);
      return;
    case "transferLeadership":
      transferLeadership(raft, input.to);
      return;
    case "forgetLeader":
      if (raft.role === "follower" && raft.reads !== "lease") changeLeader(raft, 0);
      return;
    case "synced":
      onSynced(raft, input.mark);
      return;
    case "compact":
      // A snapshot installed meanwhile may have moved the log past this one.
      if (input.index > raft.log.baseIndex) raft.log.compact(input.index);
      trimConfigurations(raft);
      return;
    case "snapshotSent":
      onSnapshotSent(raft, input.to, input.index, input.delivered);
      return;
    case "unreachable":
      onUnreachable(raft, input.peer);
  }
}

function learnTime(raft: Raft, now: number | undefined): void {
  if (now !== undefined && raft.plant !== "lease-survives-pause") passTime(raft, now);
}

function onPropose(raft: Raft, commands: readonly Uint8Array[]): void {
  if (raft.role === "leader" && raft.transfer === undefined) {
    proposeAsLeader(raft, commands);
  } else if (raft.role === "leader" || raft.leader === 0) {
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
  if (raft.role !== "leader") return;
  if (advanceCommit(raft)) broadcastAppend(raft);
  else sendToWitnesses(raft);
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
    case "timeoutNow":
      onTimeoutNow(raft, message);
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
      if (leaderIsFresh(raft) && !message.leadershipTransfer) return false;
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
      raft.effects.messagesAfterSync.push({
        type: "heartbeatResult",
        from: id,
        to,
        term,
        readSequence: 0,
        sentAt: 0,
        holdMs: 0,
      });
      return;
    default:
  }
}

function onForwarded(raft: Raft, message: Propose): void {
  // Only the leader takes forwarded commands; handed on again they could circle. The asker repeats what is lost.
  if (raft.role === "leader" && raft.transfer === undefined) proposeAsLeader(raft, message.commands);
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
  pursueTransfer(raft, message.from, progress);
}

function onHeartbeatResult(raft: Raft, message: HeartbeatResult, progress: Progress): void {
  confirmReads(raft, message, progress);
  progress.probing = false;
  if (progress.match < raft.log.lastIndex || progress.mode === "probe") goOnSending(raft, message.from, progress);
}
