import { noData, type Entry, type NodeId } from "./entry.ts";
import { heardQuorum, mayLead, type Raft } from "./raft.ts";

/** A witness vouches that entries exist, and needs only their places and terms for it. */
export function withoutCommands(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => (entry.kind === "command" ? { ...entry, kind: "omitted", data: noData } : entry));
}

/**
 * The last entry to send to a member: the log's last, but for a witness what this leader has on its disk, and what all
 * others who could lead hold, of those that keep up. Were it to hold more, and this leader to be lost, it could vote for
 * none of them, and nobody would lead. When one does not keep up, the witness counts in its place; but where nothing can
 * be decided without that one, it has nothing to gain.
 */
export function lastToSend(raft: Raft, to: NodeId): number {
  const { log } = raft;
  const { witnesses } = raft.configuration;
  if (witnesses.length === 0 || !witnesses.includes(to) || raft.plant === "witness-ahead") return log.lastIndex;
  const keepingUp = new Set([raft.id, ...witnesses]);
  let byThose = raft.syncedIndex;
  let byAll = raft.syncedIndex;
  for (const [id, { heardAt, next, match }] of raft.progress) {
    if (!mayLead(raft, id)) continue;
    byAll = Math.min(byAll, match);
    if (raft.now - heardAt >= raft.electionTimeoutMs || next <= log.lastIndex) continue;
    keepingUp.add(id);
    byThose = Math.min(byThose, match);
  }
  return heardQuorum(raft, (id) => keepingUp.has(id)) ? byThose : byAll;
}
