import { noData, type Entry, type NodeId } from "./entry.ts";
import { mayLead, type Raft } from "./raft.ts";

/** A witness vouches that entries exist, and needs only their places and terms for it. */
export function withoutCommands(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => (entry.kind === "command" ? { ...entry, kind: "omitted", data: noData } : entry));
}

/**
 * The last entry to send to a member: the log's last, but for a witness what all others who could lead hold, of those
 * that keep up. Were it to hold more, and this leader to be lost, it could vote for none of them, and nobody would lead.
 * When one does not keep up, the witness counts in its place.
 */
export function lastToSend(raft: Raft, to: NodeId): number {
  const { log } = raft;
  const { witnesses } = raft.configuration;
  let last = log.lastIndex;
  if (witnesses.length === 0 || !witnesses.includes(to)) return last;
  for (const [id, { heardAt, next, match }] of raft.progress) {
    if (!mayLead(raft, id)) continue;
    const keepsUp = raft.now - heardAt < raft.electionTimeoutMs && next > log.lastIndex;
    if (keepsUp) last = Math.min(last, match);
  }
  return last;
}
