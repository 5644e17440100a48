import {
  enterJoint,
  leaveJoint,
  simple,
  simpleOrJoint,
  type Changed,
  type ChangeRefusal,
  type ConfigurationChange,
} from "./configuration-change.ts";
import { encodeConfiguration } from "./configuration-codec.ts";
import { isJoint, membersOf, type Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import { isVoter, type Raft } from "./raft.ts";
import { appendConfiguration, broadcastAppend } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { transferLeadership } from "./transfer.ts";

/**
 * How to change: `simple` by one voter at most; `joint` by any number, over a configuration in which old and new voters
 * both decide and which the leader leaves by itself; `explicit` the same, left by a change of nothing; `auto` simple
 * where that is safe, else joint.
 */
export type ChangeMode = "auto" | "simple" | "joint" | "explicit";

/** Why a change is refused, or what can be said of it no more. */
export type ConfigurationRefusal =
  | ChangeRefusal
  | "NOT_LEADER"
  /** An earlier change is not committed, or its joint configuration not left. */
  | "CHANGE_PENDING"
  | "TRANSFER_UNDER_WAY"
  /** The leader has not committed an entry of its term yet; soon it will have. */
  | "TERM_NOT_COMMITTED"
  /** Leadership was lost with the change in the log, and whether it stays there the next leader decides. */
  | "CHANGE_UNCERTAIN";

/** What became of a change that was asked for here. */
export type ConfigurationResult =
  | { readonly id: number; readonly configuration: Configuration }
  | { readonly id: number; readonly refused: ConfigurationRefusal };

/** A change that waits to be committed, and to be left where it is joint. */
export interface PendingChange {
  readonly id: number;
  readonly term: number;
}

export interface ChangeRequest {
  readonly id: number;
  readonly changes: readonly ConfigurationChange[];
  readonly mode: ChangeMode;
}

/** Starts a change, or says in `configurationResults` why not. */
export function changeConfiguration(raft: Raft, { id, changes, mode }: ChangeRequest): void {
  const refused = reasonToWait(raft, changes);
  const changed = refused === undefined ? changedBy(raft.configuration, changes, mode) : { refused };
  if ("refused" in changed) {
    raft.effects.configurationResults.push({ id, refused: changed.refused });
    return;
  }
  raft.change = { id, term: raft.term };
  propose(raft, changed.configuration);
}

function reasonToWait(raft: Raft, changes: readonly ConfigurationChange[]): ConfigurationRefusal | undefined {
  const { plant, configurations, configuration, commit } = raft;
  if (raft.role !== "leader") return "NOT_LEADER";
  if (raft.transfer !== undefined) return "TRANSFER_UNDER_WAY";
  if (configurations.at(-1)!.index > commit && plant !== "second-change-while-uncommitted") return "CHANGE_PENDING";
  if (isJoint(configuration) && (configuration.autoLeave || changes.length > 0)) return "CHANGE_PENDING";
  // Else a leader of another term might count on the voters of before both changes (Ongaro's mail to raft-dev, 2015).
  return ownTermCommitted(raft) ? undefined : "TERM_NOT_COMMITTED";
}

function ownTermCommitted(raft: Raft): boolean {
  return raft.log.termAt(raft.commit) === raft.term || raft.plant === "change-before-term-commit";
}

function changedBy(configuration: Configuration, changes: readonly ConfigurationChange[], mode: ChangeMode): Changed {
  if (isJoint(configuration)) return leaveJoint(configuration);
  if (mode === "auto") return simpleOrJoint(configuration, changes);
  return mode === "simple"
    ? simple(configuration, changes)
    : enterJoint(configuration, changes, { autoLeave: mode === "joint" });
}

function propose(raft: Raft, configuration: Configuration): void {
  appendConfiguration(raft, encodeConfiguration(configuration));
  // Those it leaves out hear of it, too, until a while after it is committed.
  raft.leavingUntil = Number.POSITIVE_INFINITY;
  broadcastAppend(raft);
}

/** At the end of every step: does what is due once configurations are committed, and once leadership is lost. */
export function settleConfiguration(raft: Raft): void {
  const { change, configurations, commit } = raft;
  if (change !== undefined && (raft.role !== "leader" || change.term !== raft.term)) {
    raft.change = undefined;
    raft.effects.configurationResults.push({ id: change.id, refused: "CHANGE_UNCERTAIN" });
  }
  if (raft.configurationCommitted < configurations.at(-1)!.index) announceCommitted(raft);
  if (raft.role !== "leader") return;
  if (raft.now >= raft.leavingUntil) letGo(raft);
  if (configurations.at(-1)!.index <= commit) finishChange(raft);
}

function announceCommitted(raft: Raft): void {
  for (const { index, configuration } of raft.configurations) {
    if (index <= raft.configurationCommitted || index > raft.commit) continue;
    raft.configurationCommitted = index;
    raft.effects.facts.push({ type: "configurationChanged", index, configuration, committed: true });
    // Time enough for heartbeats to tell those that have gone.
    if (raft.role === "leader") raft.leavingUntil = raft.now + 2 * raft.electionTimeoutMs;
  }
}

/** Ends what the latest configuration, which is committed, leaves to do. */
function finishChange(raft: Raft): void {
  const { configuration, change } = raft;
  if (isJoint(configuration) && configuration.autoLeave) {
    const left = leaveJoint(configuration);
    if (ownTermCommitted(raft) && "configuration" in left) propose(raft, left.configuration);
    return;
  }
  if (change !== undefined) {
    raft.change = undefined;
    raft.effects.configurationResults.push({ id: change.id, configuration });
  }
  if (!isVoter(raft, raft.id) && ownTermCommitted(raft)) stepDown(raft);
}

/** A leader that has been removed or demoted leads until that is committed, then lets another (dissertation, 4.2.2). */
function stepDown(raft: Raft): void {
  if (raft.transfer !== undefined) return;
  if (raft.departedIn !== raft.term) {
    raft.departedIn = raft.term;
    transferLeadership(raft, 0);
    raft.effects.transferRefused = undefined;
    if (raft.transfer !== undefined) return;
  }
  becomeFollower(raft, raft.term, 0);
}

function letGo(raft: Raft): void {
  raft.leavingUntil = Number.POSITIVE_INFINITY;
  const members = new Set<NodeId>(membersOf(raft.configuration));
  for (const id of raft.progress.keys()) if (!members.has(id)) raft.progress.delete(id);
}

/** Of a learner's log this part must be there before it may vote, as etcd has it. */
const readyRatio = 0.9;

/** Whether a learner has caught up and is alive, so that promoting it does not cost availability. */
export function learnerReady(raft: Raft, id: NodeId): boolean {
  const progress = raft.progress.get(id);
  if (progress === undefined || !raft.configuration.learners.includes(id)) return false;
  const heard = raft.now - progress.heardAt < raft.electionTimeoutMs;
  return heard && progress.mode === "replicate" && progress.match >= readyRatio * raft.log.lastIndex;
}
