import { noData, type Entry, type EntryKind, type NodeId } from "./entry.ts";
import type { Append, AppendAccepted, AppendRejected, SnapshotArrived } from "./message.ts";
import { acknowledge, becomeProbe, becomeReplicate, becomeSnapshot, reject, type Progress } from "./progress.ts";
import { reachedBy } from "./quorum.ts";
import { RaftLog } from "./raft-log.ts";
import { useConfiguration, type Raft } from "./raft.ts";
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

/** Sends every follower what it lacks, and the commit index where it has changed. */
export function broadcastAppend(raft: Raft): void {
  for (const [to, progress] of raft.progress) sendAppends(raft, to, progress);
}

function sendAppends(raft: Raft, to: NodeId, progress: Progress): void {
  while (progress.next <= raft.log.lastIndex && sendAppend(raft, to, progress));
  if (progress.sentCommit < Math.min(raft.commit, progress.next - 1)) sendAppend(raft, to, progress);
}

function paused(raft: Raft, progress: Progress): boolean {
  if (progress.mode === "probe") return progress.probing;
  return progress.mode === "snapshot" || progress.inFlight.length >= raft.maxInFlight;
}

/** Sends one append, empty when the follower has everything; false when it may not be sent now. */
export function sendAppend(raft: Raft, to: NodeId, progress: Progress): boolean {
  if (paused(raft, progress)) return false;
  const { log } = raft;
  const previousIndex = progress.next - 1;
  const previousTerm = log.termAt(previousIndex);
  if (previousTerm === undefined) {
    becomeSnapshot(progress);
    raft.effects.snapshotsTo.push(to);
    return false;
  }
  const entries = log.slice(progress.next, log.lastIndex, raft.maxAppendBytes);
  raft.effects.messages.push({
    type: "append",
    from: raft.id,
    to,
    term: raft.term,
    previousIndex,
    previousTerm,
    entries,
    commit: raft.commit,
  });
  progress.sentCommit = raft.commit;
  if (progress.mode === "probe") {
    progress.probing = true;
  } else if (entries.length > 0) {
    progress.next = entries.at(-1)!.index + 1;
    progress.inFlight.push(progress.next - 1);
  }
  return true;
}

export function onAppendAccepted(raft: Raft, message: AppendAccepted, progress: Progress): void {
  const news = acknowledge(progress, message.matchIndex);
  // A probe answered is a follower found: from here on stream ahead of the answers.
  if (progress.mode === "probe") becomeReplicate(progress);
  if (progress.mode === "snapshot" && raft.log.termAt(progress.match) !== undefined) becomeReplicate(progress);
  if (news && advanceCommit(raft)) broadcastAppend(raft);
  else sendAppends(raft, message.from, progress);
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
  const { configuration, quorum, progress, id, syncedIndex, log } = raft;
  const index = reachedBy(configuration.voters, quorum, (voter) =>
    voter === id ? syncedIndex : (progress.get(voter)?.match ?? 0),
  );
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
    raft.syncedIndex = Math.min(raft.syncedIndex, first - 1);
    raft.epoch++;
  }
  appendLocally(raft, entries.slice(agreed));
}

function appendLocally(raft: Raft, entries: readonly Entry[]): void {
  raft.log.append(entries);
  raft.effects.entries.push(...entries);
  raft.effects.mark = { index: raft.log.lastIndex, epoch: raft.epoch };
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
  if (index <= raft.commit) {
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
  useConfiguration(raft, configuration);
  raft.effects.restore = message.snapshot;
  raft.effects.reset = { index, term };
  raft.effects.mark = undefined;
  accept(raft, message.from, index);
}
