import type { Configuration, ConfigurationChange } from "../../consensus/index.ts";
import { parsePeerUrl } from "./peer-url.ts";
import type { ClusterRequest } from "./cluster-change.ts";
import type { MembersSeen } from "./cluster.ts";
import type { CoordinationErrorCode } from "../coordination-error.ts";

/** The cluster as its leader sees it. */
export interface ClusterView {
  /** Committed, and not joint. */
  readonly configuration: Configuration;
  readonly self: number;
  /** Whether it has ever told of itself; a witness, which cannot be sure to be heard, whether it holds anything. */
  readonly isStarted: (id: number) => boolean;
  /** Whether the leader has heard it lately; of itself always. */
  readonly isHeard: (id: number) => boolean;
  /** Whether a learner has caught up. */
  readonly isReady: (id: number) => boolean;
  readonly peerUrlsOf: (id: number) => readonly string[];
}

/** What is to be done about a request; `done` when it has been carried out already, perhaps by a leader before. */
export type Verdict =
  | { readonly verdict: "refused"; readonly code: CoordinationErrorCode }
  | { readonly verdict: "change"; readonly changes: readonly ConfigurationChange[] }
  | { readonly verdict: "transfer"; readonly to: number }
  | { readonly verdict: "done" };

/** Learners at once, as in etcd 3.4. */
const maxLearners = 1;

const done: Verdict = { verdict: "done" };
const refused = (code: CoordinationErrorCode): Verdict => ({ verdict: "refused", code });
const change = (...changes: ConfigurationChange[]): Verdict => ({ verdict: "change", changes });

/**
 * Judges a request as etcd 3.4 does with its strict reconfiguration check: no change may leave fewer voters at work than
 * a majority of those there will be. Whoever asks has looked whether the member is there and whether it is a learner.
 */
export function judge(request: ClusterRequest, view: ClusterView): Verdict {
  const { voters, learners, witnesses } = view.configuration;
  const id = Number(request.id);
  const isVoter = voters.includes(id);
  const isMember = isVoter || learners.includes(id);
  const unfit = "ifMembers" in request ? reasonUnfit(request, view) : undefined;
  if (unfit !== undefined) return unfit;
  switch (request.type) {
    case "memberAdd":
      return isMember ? done : judgeAdd(request, view);
    case "memberRemove":
      if (!isMember) return done;
      if (isVoter && request.ifMembers !== undefined && !hearsMajority(without(id, voters), view)) {
        return refused("UNHEALTHY_CLUSTER");
      }
      return (isVoter ? reasonToKeep(id, view) : undefined) ?? change({ type: "remove", id });
    case "memberUpdate": {
      if (!isMember) return refused("MEMBER_NOT_FOUND");
      if (isTaken(request.peerUrls, id, view)) return refused("PEER_URL_EXISTS");
      const address = parsePeerUrl(request.peerUrls[0]!)!;
      if (view.configuration.addresses.get(id) === address) return done;
      return change({ type: "updateAddress", id, address });
    }
    case "memberPromote":
      if (!isMember) return refused("MEMBER_NOT_FOUND");
      if (isVoter) return done;
      if (!view.isReady(id)) return refused("LEARNER_NOT_READY");
      if (!hasMajority([...voters, id], view)) return refused("NOT_ENOUGH_STARTED");
      if (request.ifMembers !== undefined && !hearsMajority([...voters, id], view)) return refused("UNHEALTHY_CLUSTER");
      return change({ type: "promote", id });
    default:
      if (id === view.self) return done;
      return isVoter && !witnesses.includes(id) ? { verdict: "transfer", to: id } : refused("BAD_LEADER_TRANSFEREE");
  }
}

type AddRequest = Extract<ClusterRequest, { type: "memberAdd" }>;

function judgeAdd({ id, peerUrls, ...request }: AddRequest, view: ClusterView): Verdict {
  const { voters, learners, witnesses } = view.configuration;
  // A voter counts from when it is added: a lone member would wait, and serve nobody, for one that has yet to be started.
  const isLearner = request.isLearner || (voters.length === 1 && request.isWitness !== true);
  const started = voters.filter(view.isStarted).length;
  if (!isLearner && started < majorityOf(voters.length + 1)) return refused("NOT_ENOUGH_STARTED");
  const isMeant = request.ifMembers !== undefined && isLearner;
  if (isMeant ? !hearsMajority(voters, view) : !voters.every(view.isHeard)) return refused("UNHEALTHY_CLUSTER");
  if (isTaken(peerUrls, 0, view)) return refused("PEER_URL_EXISTS");
  if (isLearner && learners.length >= maxLearners) return refused("TOO_MANY_LEARNERS");
  if (request.isWitness === true && isMostly(witnesses.length + 1, voters.length + 1))
    return refused("NOT_ENOUGH_STARTED");
  const address = parsePeerUrl(peerUrls[0]!)!;
  const type = isLearner ? "addLearner" : request.isWitness === true ? "addWitness" : "addVoter";
  return change({ type, id: Number(id), address });
}

type Meant = Extract<ClusterRequest, { readonly ifMembers?: MembersSeen }>;

/** A change that was carried out already, perhaps by a leader before, has changed the members itself. */
function reasonUnfit({ type, ifMembers, ...request }: Meant, { configuration }: ClusterView): Verdict | undefined {
  if (ifMembers === undefined) return undefined;
  const id = Number(request.id);
  const seen = { voters: ifMembers.voters.map(Number), learners: ifMembers.learners.map(Number) };
  if (isSame(configuration, seen)) return undefined;
  const after =
    type === "memberAdd"
      ? { voters: seen.voters, learners: [...seen.learners, id] }
      : type === "memberRemove"
        ? { voters: without(id, seen.voters), learners: without(id, seen.learners) }
        : { voters: [...seen.voters, id], learners: without(id, seen.learners) };
  return isSame(configuration, after) ? done : refused("MEMBERS_CHANGED");
}

function isSame(present: Pick<Configuration, "voters" | "learners">, seen: typeof present): boolean {
  return (["voters", "learners"] as const).every((part) => {
    return present[part].length === seen[part].length && seen[part].every((id) => present[part].includes(id));
  });
}

function without(id: number, ids: readonly number[]): number[] {
  return ids.filter((other) => other !== id);
}

function reasonToKeep(id: number, view: ClusterView): Verdict | undefined {
  const { voters, witnesses } = view.configuration;
  const others = without(id, voters);
  if (!hasMajority(others, view)) return refused("NOT_ENOUGH_STARTED");
  if (isMostly(others.filter((voter) => witnesses.includes(voter)).length, others.length)) {
    return refused("NOT_ENOUGH_STARTED");
  }
  // One that is away is no part of what works now.
  if (!view.isHeard(id)) return undefined;
  return others.filter(view.isHeard).length < majorityOf(others.length) ? refused("UNHEALTHY_CLUSTER") : undefined;
}

function hasMajority(voters: readonly number[], view: ClusterView): boolean {
  return voters.filter(view.isStarted).length >= majorityOf(voters.length);
}

/** Of those that there will be, who are there now. */
function hearsMajority(voters: readonly number[], view: ClusterView): boolean {
  return voters.filter(view.isHeard).length >= majorityOf(voters.length);
}

/** Whether so many witnesses could decide alone, and nobody who may lead would hold it. */
function isMostly(witnesses: number, voters: number): boolean {
  return witnesses >= majorityOf(voters);
}

function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

function isTaken(urls: readonly string[], self: number, { configuration, peerUrlsOf }: ClusterView): boolean {
  const others = [...configuration.voters, ...configuration.learners].filter((id) => id !== self);
  return others.some((id) => peerUrlsOf(id).some((url) => urls.includes(url)));
}
