import { InvalidArgumentError } from "../errors/base.ts";
import { ascending, brokenRule, isJoint, membersOf, type Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import { majority } from "./quorum/majority.ts";

/** One wish about one member. Ids are never used again: who was removed comes back under another one. */
export type ConfigurationChange =
  | { readonly type: "addVoter" | "addLearner" | "addWitness"; readonly id: NodeId; readonly address?: string }
  /** A learner becomes a voter. */
  | { readonly type: "promote"; readonly id: NodeId }
  /** A voter becomes a learner. */
  | { readonly type: "demote"; readonly id: NodeId }
  | { readonly type: "remove"; readonly id: NodeId }
  | { readonly type: "updateAddress"; readonly id: NodeId; readonly address: string };

/** Why a change cannot be made to this configuration. */
export type ChangeRefusal =
  /** A joint change is under way. */
  | "JOINT"
  /** There is no joint change to leave. */
  | "NOT_JOINT"
  | "UNKNOWN_MEMBER"
  | "MEMBER_EXISTS"
  /** Only a learner can be promoted. */
  | "NOT_LEARNER"
  /** Only a voter with state can be demoted. */
  | "NOT_VOTER"
  | "NO_VOTERS"
  /** Witnesses must not be a majority: what they alone decided, nobody could lead with. */
  | "TOO_MANY_WITNESSES"
  /** Voters differ by more than one, which takes a joint change. */
  | "TOO_MANY_CHANGES"
  | "NO_CHANGE";

export type Changed = { readonly configuration: Configuration } | { readonly refused: ChangeRefusal };

/**
 * Changes voters by one at most, in one step: any majority of the old voters overlaps with any of the new ones
 * (Ongaro's dissertation, section 4.1).
 */
export function simple(configuration: Configuration, changes: readonly ConfigurationChange[]): Changed {
  if (isJoint(configuration)) return { refused: "JOINT" };
  const changed = apply(configuration, changes);
  if ("refused" in changed) return changed;
  const { voters } = changed.configuration;
  return difference(configuration.voters, voters) > 1 ? { refused: "TOO_MANY_CHANGES" } : changed;
}

/** Starts a change of any size: from now on old and new voters both decide (dissertation, section 4.3). */
export function enterJoint(
  configuration: Configuration,
  changes: readonly ConfigurationChange[],
  { autoLeave }: { readonly autoLeave: boolean },
): Changed {
  if (isJoint(configuration)) return { refused: "JOINT" };
  return apply({ ...configuration, votersOutgoing: configuration.voters, autoLeave }, changes);
}

/** Ends a joint change: the old voters go, or become learners where that was the wish. */
export function leaveJoint(configuration: Configuration): Changed {
  if (!isJoint(configuration)) return { refused: "NOT_JOINT" };
  const learners = ascending([...configuration.learners, ...configuration.learnersNext]);
  const left = { ...configuration, votersOutgoing: [], learners, learnersNext: [], autoLeave: false };
  return { configuration: pruned(left) };
}

/** One step where that is safe, joint otherwise, left by itself. */
export function simpleOrJoint(configuration: Configuration, changes: readonly ConfigurationChange[]): Changed {
  const changed = simple(configuration, changes);
  const tooMany = "refused" in changed && changed.refused === "TOO_MANY_CHANGES";
  return tooMany ? enterJoint(configuration, changes, { autoLeave: true }) : changed;
}

const maxAddressLength = 255;

/** @throws InvalidArgumentError for an id or an address that no member can have */
export function checkChanges(changes: readonly ConfigurationChange[]): void {
  for (const [at, change] of changes.entries()) {
    if (!Number.isSafeInteger(change.id) || change.id < 1) {
      throw new InvalidArgumentError(`changes[${at}].id`, "must be a safe integer >= 1", change.id);
    }
    if ("address" in change && change.address !== undefined && change.address.length > maxAddressLength) {
      const { length } = change.address;
      throw new InvalidArgumentError(`changes[${at}].address`, `must be at most ${maxAddressLength} long`, length);
    }
  }
}

function apply(configuration: Configuration, changes: readonly ConfigurationChange[]): Changed {
  const draft = draftOf(configuration);
  for (const change of changes) {
    const refused = applyOne(draft, change);
    if (refused !== undefined) return { refused };
  }
  const next = pruned({
    voters: ascending(draft.voters),
    votersOutgoing: configuration.votersOutgoing,
    learners: ascending(draft.learners),
    learnersNext: ascending(draft.learnersNext),
    witnesses: ascending(draft.witnesses),
    autoLeave: configuration.autoLeave,
    addresses: draft.addresses,
  });
  if (next.voters.length === 0) return { refused: "NO_VOTERS" };
  const vouching = next.voters.filter((id) => next.witnesses.includes(id)).length;
  if (vouching >= majority(next.voters.length)) return { refused: "TOO_MANY_WITNESSES" };
  if (same(draftOf(configuration), draftOf(next))) return { refused: "NO_CHANGE" };
  const broken = brokenRule(next);
  if (broken !== undefined) throw new Error(`a change led to a configuration in which ${broken} is broken`);
  return { configuration: next };
}

interface Draft {
  /** Who was a member before. */
  readonly members: ReadonlySet<NodeId>;
  readonly voters: Set<NodeId>;
  /** Only read. */
  readonly outgoing: ReadonlySet<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
  readonly witnesses: Set<NodeId>;
  readonly addresses: Map<NodeId, string>;
}

function draftOf(configuration: Configuration): Draft {
  return {
    members: new Set(membersOf(configuration)),
    voters: new Set(configuration.voters),
    outgoing: new Set(configuration.votersOutgoing),
    learners: new Set(configuration.learners),
    learnersNext: new Set(configuration.learnersNext),
    witnesses: new Set(configuration.witnesses),
    addresses: new Map(configuration.addresses),
  };
}

function applyOne(draft: Draft, change: ConfigurationChange): ChangeRefusal | undefined {
  const { members, voters, outgoing, learners, learnersNext, witnesses, addresses } = draft;
  const { id } = change;
  const stays = voters.has(id) || learners.has(id) || learnersNext.has(id);
  switch (change.type) {
    case "addVoter":
    case "addWitness":
    case "addLearner":
      // Nor may one come back that these changes remove: its id would stand for two members.
      if (stays || members.has(id)) return "MEMBER_EXISTS";
      (change.type === "addLearner" ? learners : voters).add(id);
      if (change.type === "addWitness") witnesses.add(id);
      if (change.address !== undefined) addresses.set(id, change.address);
      return undefined;
    case "promote":
      if (!learners.has(id) && !learnersNext.has(id)) return stays ? "NOT_LEARNER" : "UNKNOWN_MEMBER";
      learners.delete(id);
      learnersNext.delete(id);
      voters.add(id);
      return undefined;
    case "demote":
      // A witness has nothing to learn with: its log lacks the commands.
      if (!voters.has(id) || witnesses.has(id)) return stays ? "NOT_VOTER" : "UNKNOWN_MEMBER";
      voters.delete(id);
      // A learner must not vote, so one that still does becomes it when the joint change is over.
      (outgoing.has(id) ? learnersNext : learners).add(id);
      return undefined;
    case "remove":
      if (!stays) return "UNKNOWN_MEMBER";
      voters.delete(id);
      learners.delete(id);
      learnersNext.delete(id);
      // One that is a member already stays what it is until it has gone; one that was added just now never was.
      if (!members.has(id)) witnesses.delete(id);
      return undefined;
    case "updateAddress":
      if (!stays) return "UNKNOWN_MEMBER";
      addresses.set(id, change.address);
  }
  return undefined;
}

/** Without what is said about those that are no longer members. */
function pruned(configuration: Configuration): Configuration {
  const members = new Set(membersOf(configuration));
  return {
    ...configuration,
    witnesses: configuration.witnesses.filter((id) => members.has(id)),
    addresses: new Map([...configuration.addresses].filter(([id]) => members.has(id))),
  };
}

function same(one: Draft, other: Draft): boolean {
  return (
    difference(one.voters, other.voters) === 0 &&
    difference(one.learners, other.learners) === 0 &&
    difference(one.learnersNext, other.learnersNext) === 0 &&
    one.addresses.size === other.addresses.size &&
    [...one.addresses].every(([id, address]) => other.addresses.get(id) === address)
  );
}

/** How many are on one side only. */
function difference(one: Iterable<NodeId>, other: Iterable<NodeId>): number {
  return new Set(one).symmetricDifference(new Set(other)).size;
}
