import type { NodeId } from "./entry.ts";
import { majority } from "./quorum/majority.ts";

/** Who takes part in the cluster, and how. Lists of ids ascend. */
export interface Configuration {
  readonly voters: readonly NodeId[];
  /** Who voted before: while there are any, the change is joint and takes a majority of both (Raft, section 6). */
  readonly votersOutgoing: readonly NodeId[];
  /** Get everything and decide nothing. */
  readonly learners: readonly NodeId[];
  /** Outgoing voters that become learners once the joint change is over. */
  readonly learnersNext: readonly NodeId[];
  /** Voters, incoming or outgoing, that hold no commands and no state, and never lead. */
  readonly witnesses: readonly NodeId[];
  /** The leader ends the joint change as soon as it is committed. */
  readonly autoLeave: boolean;
  /** Where members are reached, in the words of the transport. A member may be without. */
  readonly addresses: ReadonlyMap<NodeId, string>;
}

/** What a node that joins an existing cluster starts with: it takes no part until it is told who does. */
export const emptyConfiguration: Configuration = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  witnesses: [],
  autoLeave: false,
  addresses: new Map(),
};

/** The configuration of a new cluster. */
export function configurationOf(
  voters: Iterable<NodeId>,
  addresses: ReadonlyMap<NodeId, string> = new Map(),
): Configuration {
  return { ...emptyConfiguration, voters: ascending(voters), addresses };
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.length > 0;
}

/** Everybody that takes part, in ascending order. */
export function membersOf({ voters, votersOutgoing, learners }: Configuration): NodeId[] {
  return ascending([...voters, ...votersOutgoing, ...learners]);
}

/** Without duplicates. */
export function ascending(ids: Iterable<NodeId>): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/**
 * What every configuration keeps to; undefined when it does, else which rule it breaks. One without any member is whole:
 * that of a node which has not been told yet.
 */
export function brokenRule(configuration: Configuration): string | undefined {
  const { voters, votersOutgoing, learners, learnersNext, witnesses, autoLeave, addresses } = configuration;
  const members = new Set(membersOf(configuration));
  const deciding = new Set([...voters, ...votersOutgoing]);
  for (const list of [voters, votersOutgoing, learners, learnersNext, witnesses]) {
    if (list.some((id, at) => id < 1 || (at > 0 && id <= list[at - 1]!))) return "ids must ascend from 1";
  }
  if (members.size > 0 && voters.length === 0) return "somebody must vote";
  for (const half of [voters, votersOutgoing]) {
    // Else they alone could decide, and nobody who leads would hold what they decided.
    const vouching = half.filter((id) => witnesses.includes(id)).length;
    if (half.length > 0 && vouching >= majority(half.length)) return "witnesses must not be a majority";
  }
  if (learners.some((id) => deciding.has(id))) return "a learner must not vote";
  if (learnersNext.some((id) => !votersOutgoing.includes(id) || voters.includes(id))) {
    return "a learner to be must be an outgoing voter, and none that stays";
  }
  if (witnesses.some((id) => !deciding.has(id))) return "a witness must vote";
  if (votersOutgoing.length === 0 && autoLeave) return "only a joint change can be left";
  for (const id of addresses.keys()) if (!members.has(id)) return "an address must be a member's";
  return undefined;
}
