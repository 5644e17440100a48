import { adoptAppended, restartConfigurations, rollBackConfigurations } from "./configuration-history.ts";
import { noData, type Entry, type EntryKind, type NodeId } from "./entry.ts";
import type { Append, AppendAccepted, AppendRejected, SnapshotArrived } from "./message.ts";
import {
  acknowledge,
  becomeProbe,
  becomeReplicate,
  becomeSnapshot,
  noteSent,
  reject,
  type Progress,
} from "./progress.ts";
import { RaftLog } from "./raft-log.ts";
import { committedBy, type Raft } from "./raft.ts";
import { lastToSend, withoutCommands } from "./witness.ts";
import { readAfterFirstCommit } from "./reads.ts";
import { hearLeader } from "./roles.ts";

/** Appends to the leader's own log; the entries count for the leader once they are synced, like everyone's. */
function appendAsLeader(raft: Raft, kind: EntryKind, commands: readonly Uint8Array[]): void {
  const entries: Entry[] = [];
  let index = raft.log.lastIndex;
  for (const data of commands) entries.push({ index: ++index, term: raft.term, kind, data });
  appendLocally(raft, entries);
}

export function proposeAsLeader(raft: Raft, commands: readonly Uint8Array[]): void {
  let taken = 0;
  for (const command of commands) {
    if (raft.uncommittedBytes > 0 && raft.uncommittedBytes + command.length > raft.maxUncommittedBytes) break;
    raft.uncommittedBytes += command.length;
    taken++;
  }
  raft.effects.dropped.push(...commands.slice(taken));
  if (taken === 0) return;
  appendAsLeader(raft, "command", taken === commands.length ? commands : commands.slice(0, taken));
  broadcastAppend(raft);
}

/** The first entry of a leadership: committing it commits everything before it (Raft, section 8). */
export function appendNoop(raft: Raft): void {
  appendAsLeader(raft, "noop", [noData]);
}

/** The caller broadcasts it, and sees that no other change is under way. */
export function appendConfiguration(raft: Raft, data: Uint8Array): void {
  raft.uncommittedBytes += data.length;
  appendAsLeader(raft, "configuration", [data]);
}

/** Sends every follower what it lacks, and the commit index where it has changed. */
export function broadcastAppend(raft: Raft): void {
  const { witnesses } = raft.configuration;
  for (const [to, progress] of raft.progress) {
    if (witnesses.length === 0 || !witnesses.includes(to)) sendAppends(raft, to, progress);
  }
  if (witnesses.length > 0) sendToWitnesses(raft);
}

/** What a witness gets depends on what has gone to the others, on what they hold, and on this leader's own disk. */
export function sendToWitnesses(raft: Raft): void {
  for (const to of raft.configuration.witnesses) {
    const progress = raft.progress.get(to);
    if (progress !== undefined) sendAppends(raft, to, progress);
  }
}

function sendAppends(raft: Raft, to: NodeId, progress: Progress): void {
  const last = lastToSend(raft, to);
  while (progress.next <= last && sendAppend(raft, to, progress));
  if (progress.sentCommit < Math.min(raft.commit, progress.next - 1)) sendAppend(raft, to, progress);
}

function paused(raft: Raft, progress: Progress): boolean {
  if (progress.mode === "probe") return progress.probing;
  return progress.mode === "snapshot" || windowIsFull(raft, progress);
}

function windowIsFull(raft: Raft, { inFlight, bytesInFlight }: Progress): boolean {
  return inFlight.length >= raft.maxInFlight || bytesInFlight >= raft.maxInFlightBytes;
}

/**
 * Called when the follower has shown itself: sends what may be sent. A full window may have been lost, or its answers:
 * an empty append finds out, whose answer is for everything before it. More entries do not go out: a follower whose disk
 * hangs answers heartbeats, too, and would have to hold them all.
 */
export function goOnSending(raft: Raft, to: NodeId, progress: Progress): void {
  if (progress.mode !== "replicate" || !windowIsFull(raft, progress)) {
    sendAppend(raft, to, progress);
    return;
  }
  const previousTerm = raft.log.termAt(progress.next - 1);
  if (previousTerm === undefined) needSnapshot(raft, to, progress);
  else pushAppend(raft, to, progress, previousTerm, []);
}

/** What the follower lacks is no longer in the log. */
function needSnapshot(raft: Raft, to: NodeId, progress: Progress): void {
  becomeSnapshot(progress);
  raft.effects.snapshotsTo.push(to);
}

/** Sends one append, empty when the follower has everything; false when it may not be sent now. */
export function sendAppend(raft: Raft, to: NodeId, progress: Progress): boolean {
  if (paused(raft, progress)) return false;
  const { log } = raft;
  const previousIndex = progress.next - 1;
  const previousTerm = log.termAt(previousIndex);
  if (previousTerm === undefined) {
    needSnapshot(raft, to, progress);
    return false;
  }
  const entries = log.slice(progress.next, lastToSend(raft, to), raft.maxAppendBytes);
  const sent = raft.configuration.witnesses.includes(to) ? withoutCommands(entries) : entries;
  pushAppend(raft, to, progress, previousTerm, sent);
  if (progress.mode === "probe") {
    progress.probing = true;
  } else if (sent.length > 0) {
    let bytes = 0;
    for (const { data } of sent) bytes += data.length;
    noteSent(progress, sent.at(-1)!.index, bytes);
  }
  return true;
}

function pushAppend(raft: Raft, to: NodeId, progress: Progress, previousTerm: number, entries: readonly Entry[]): void {
  const { id: from, term, commit } = raft;
  const previousIndex = progress.next - 1;
  raft.effects.messages.push({ type: "append", from, to, term, previousIndex, previousTerm, entries, commit });
  progress.sentCommit = commit;
}

export function onAppendAccepted(raft: Raft, message: AppendAccepted, progress: Progress): void {
  // Nobody can hold more of this log than there is. Believed, it would never be sent what comes next.
  if (message.matchIndex > raft.log.lastIndex) return;
  const news = acknowledge(progress, message.matchIndex);
  // A probe answered is a follower found: from here on stream ahead of the answers.
  if (progress.mode === "probe") becomeReplicate(progress);
  if (progress.mode === "snapshot" && raft.log.termAt(progress.match) !== undefined) becomeReplicate(progress);
  if (news && advanceCommit(raft)) {
    broadcastAppend(raft);
    return;
  }
  sendAppends(raft, message.from, progress);
  if (news && raft.configuration.witnesses.length > 0) sendToWitnesses(raft);
}

export function onAppendRejected(raft: Raft, message: AppendRejected, progress: Progress): void {
  const candidate = raft.log.lastIndexWithTermAtMost(message.hintIndex, message.hintTerm);
  if (reject(progress, message.rejectedIndex, candidate)) sendAppend(raft, message.from, progress);
}

/** The driver could not deliver: what was sent may be lost, so ask anew where the follower stands. */
export function onUnreachable(raft: Raft, peer: NodeId): void {
  const progress = raft.progress.get(peer);
  if (progress?.mode === "replicate") becomeProbe(progress);
}

/**
 * The driver is done sending a snapshot of `index`. Delivered, it may still be on its way to the follower's disk, or be
 * lost there: the next heartbeat's answer lets a probe out, which finds out. Not delivered, the probe starts over.
 */
export function onSnapshotSent(raft: Raft, peer: NodeId, index: number, delivered: boolean): void {
  const progress = raft.progress.get(peer);
  if (progress?.mode !== "snapshot") return;
  becomeProbe(progress);
  progress.probing = true;
  if (delivered) progress.next = Math.max(progress.next, index + 1);
}

/**
 * Moves the commit index to what a majority holds durably; only entries of the leader's own term are committed by
 * counting, earlier ones with them (Raft, section 5.4.2, figure 8).
 */
export function advanceCommit(raft: Raft): boolean {
  const { progress, id, syncedIndex, log } = raft;
  const index = committedBy(raft, (voter) => (voter === id ? syncedIndex : (progress.get(voter)?.match ?? 0)));
  if (index <= raft.commit) return false;
  if (log.termAt(index) !== raft.term && raft.plant !== "old-term-committed") return false;
  releaseUncommitted(raft, index);
  raft.commit = index;
  readAfterFirstCommit(raft);
  return true;
}

function releaseUncommitted(raft: Raft, commit: number): void {
  if (commit === raft.log.lastIndex) {
    raft.uncommittedBytes = 0;
    return;
  }
  for (let index = raft.commit + 1; index <= commit; index++) {
    const entry = raft.log.at(index)!;
    if (entry.term === raft.term) raft.uncommittedBytes -= entry.data.length;
  }
}

export function onAppend(raft: Raft, message: Append): void {
  hearLeader(raft, message.from);
  const { log } = raft;
  const { previousIndex, previousTerm, entries } = message;
  if (previousIndex < raft.commit) {
    // Everything up to the commit index agrees with every leader there will be; nothing below it can conflict.
    accept(raft, message.from, raft.commit);
    return;
  }
  const heldTerm = log.termAt(previousIndex);
  const matches = heldTerm === previousTerm || (raft.plant === "previous-term-unchecked" && heldTerm !== undefined);
  if (!matches) {
    const hintIndex = log.lastIndexWithTermAtMost(Math.min(previousIndex, log.lastIndex), previousTerm);
    raft.effects.messagesAfterSync.push({
      type: "appendRejected",
      from: raft.id,
      to: message.from,
      term: raft.term,
      rejectedIndex: previousIndex,
      hintIndex,
      hintTerm: log.termAt(hintIndex) ?? 0,
    });
    return;
  }
  takeEntries(raft, previousIndex, entries);
  const matchIndex = previousIndex + entries.length;
  raft.commit = Math.max(raft.commit, Math.min(message.commit, matchIndex));
  accept(raft, message.from, matchIndex);
}

/** Keeps what agrees, drops only from the first conflict on, appends the rest. An old append, late, changes nothing. */
function takeEntries(raft: Raft, previousIndex: number, entries: readonly Entry[]): void {
  const { log } = raft;
  let agreed = 0;
  while (agreed < entries.length && log.termAt(entries[agreed]!.index) === entries[agreed]!.term) agreed++;
  if (raft.plant === "truncate-on-append") agreed = 0;
  if (agreed === entries.length) return;
  const first = previousIndex + 1 + agreed;
  if (first <= log.lastIndex) {
    if (first <= raft.commit) {
      throw new Error(`append of term ${raft.term} conflicts at ${first}, at or below the commit index ${raft.commit}`);
    }
    raft.effects.facts.push({ type: "logTruncated", from: first, to: log.lastIndex });
    log.truncate(first);
    rollBackConfigurations(raft, first);
    raft.syncedIndex = Math.min(raft.syncedIndex, first - 1);
    raft.epoch++;
  }
  appendLocally(raft, entries.slice(agreed));
}

function appendLocally(raft: Raft, entries: readonly Entry[]): void {
  raft.log.append(entries);
  raft.effects.entries.push(...entries);
  raft.effects.mark = { index: raft.log.lastIndex, epoch: raft.epoch };
  adoptAppended(raft, entries);
}

function accept(raft: Raft, leader: NodeId, matchIndex: number): void {
  raft.effects.messagesAfterSync.push({
    type: "appendAccepted",
    from: raft.id,
    to: leader,
    term: raft.term,
    matchIndex,
  });
}

export function onSnapshot(raft: Raft, message: SnapshotArrived): void {
  hearLeader(raft, message.from);
  const { index, term, configuration } = message.snapshot;
  if (index <= raft.commit && raft.plant !== "install-older-snapshot") {
    accept(raft, message.from, raft.commit);
    return;
  }
  if (raft.log.termAt(index) === term) {
    // The log already holds what the snapshot covers: nothing to install, but all of it is committed.
    raft.commit = index;
    accept(raft, message.from, index);
    return;
  }
  raft.log = new RaftLog(index, term);
  raft.commit = index;
  raft.syncedIndex = index;
  raft.epoch++;
  restartConfigurations(raft, index, configuration);
  raft.effects.restore = message.snapshot;
  raft.effects.reset = { index, term };
  raft.effects.mark = undefined;
  accept(raft, message.from, index);
}
