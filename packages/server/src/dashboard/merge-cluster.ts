import type { ClusterView, MemberLiveness, MemberView } from "holdfast/telemetry";
import type { StatusDocument } from "../http/member-status.ts";
import { linksOf } from "./member-links.ts";
import type { KnownMember, MemberPresence, MemberProcessState } from "./member-word.ts";

export interface MergeInput {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Monotonic, as the presences' times. */
  readonly nowMs: number;
  readonly servedBy: string;
  /** By the members' names. */
  readonly presences: ReadonlyMap<string, MemberPresence>;
  /** Who counts as long as nobody says who the members are. */
  readonly known: readonly KnownMember[];
  /** Where somebody watches the processes. */
  readonly processOf?: ((name: string) => MemberProcessState | undefined) | undefined;
  readonly commitsPerSecond: number | null;
}

type MemberInfo = StatusDocument["members"][number];

/** What all members said, put together: nothing is in it that nobody said. */
export function mergeCluster(input: MergeInput): ClusterView {
  const { at, servedBy, presences, commitsPerSecond } = input;
  const answering = [...presences.values()].flatMap(({ word }) => (word === undefined ? [] : [word.status]));
  const infos = membersOf(answering, input.known);
  const voters = infos.filter(({ isLearner }) => !isLearner);
  const stopped = (name: string): boolean => input.processOf?.(name)?.isRunning === false;
  const { leaderId, term } = leaderOf(answering, voters);
  const leader = infos.find(({ id }) => id !== "" && id === leaderId)?.name ?? null;
  const isGone = leader === null || stopped(leader);
  const context = { input, answering, infos, leader: isGone ? null : leader };
  return {
    at,
    servedBy,
    clusterId: answering[0]?.clusterId ?? "",
    leader: context.leader,
    term,
    quorum: {
      needed: Math.floor(voters.length / 2) + 1,
      answering: voters.filter(({ name }) => presences.get(name)?.word !== undefined && !stopped(name)).length,
      voters: voters.length,
    },
    members: infos
      .map((info) => memberView(info, context))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    commitsPerSecond,
  };
}

/** Who the members are, by the word of whoever has committed most; else by what is known beforehand. */
function membersOf(answering: readonly StatusDocument[], known: readonly KnownMember[]): readonly MemberInfo[] {
  const newest = answering.toSorted((left, right) => right.member.commitIndex - left.member.commitIndex)[0];
  if (newest !== undefined) {
    // One that has not told its name yet goes by its number.
    return newest.members.map((info) => ({ ...info, name: info.name || info.id }));
  }
  return known.map(({ name, clientUrl, httpUrl }) => ({
    id: "",
    name,
    peerUrls: [],
    clientUrls: clientUrl === null ? [] : [clientUrl],
    httpUrls: httpUrl === null ? [] : [httpUrl],
    isLearner: false,
  }));
}

/** Whom more than half of the voters that answer follow, in the newest of their terms. */
function leaderOf(
  answering: readonly StatusDocument[],
  voters: readonly MemberInfo[],
): { readonly leaderId: string | undefined; readonly term: number } {
  const words = answering.filter(({ member }) => voters.some(({ id }) => id === member.id));
  const votes = new Map<string, number>();
  for (const { member } of words)
    if (member.leader !== "") votes.set(member.leader, (votes.get(member.leader) ?? 0) + 1);
  const leaderId = [...votes].find(([, count]) => count * 2 > words.length)?.[0];
  const followers = leaderId === undefined ? words : words.filter(({ member }) => member.leader === leaderId);
  return { leaderId, term: Math.max(0, ...followers.map(({ member }) => member.term)) };
}

interface Context {
  readonly input: MergeInput;
  readonly answering: readonly StatusDocument[];
  readonly infos: readonly MemberInfo[];
  readonly leader: string | null;
}

function memberView(info: MemberInfo, context: Context): MemberView {
  const { input, answering, infos, leader } = context;
  const { name } = info;
  const process = input.processOf?.(name);
  const presence = input.presences.get(name);
  const word = process?.isRunning === false ? undefined : presence?.word;
  const own = word?.status.member;
  const leaderCommit = answering.find(({ member }) => member.name === leader)?.member.commitIndex;
  return {
    id: info.id,
    name,
    ...livenessOf(name, context),
    role: own?.role ?? null,
    isLearner: info.isLearner,
    isWitness: info.isWitness === true,
    term: own?.term ?? null,
    commitIndex: own?.commitIndex ?? null,
    appliedIndex: own?.appliedIndex ?? null,
    lagEntries: own === undefined || leaderCommit === undefined ? null : Math.max(0, leaderCommit - own.appliedIndex),
    storeBytes: own?.storeBytes ?? null,
    residentBytes: own?.residentBytes ?? null,
    clientUrl: info.clientUrls[0] ?? null,
    httpUrl: info.httpUrls[0] ?? null,
    links: word === undefined ? [] : linksOf(word, infos),
  };
}

function livenessOf(name: string, { input }: Context): { liveness: MemberLiveness; sinceMs: number | null } {
  const process = input.processOf?.(name);
  if (process?.isRunning === false) return { liveness: "stopped", sinceMs: Math.round(process.forMs) };
  const presence = input.presences.get(name);
  const sinceMs = presence?.sinceMs === undefined ? null : Math.round(input.nowMs - presence.sinceMs);
  const longest = (state: string): number | null => {
    const known = gossipAbout(name, input).flatMap((word) => (word.state === state ? (word.sinceMs ?? []) : []));
    return known.length === 0 ? null : Math.max(...known);
  };
  if (presence?.word !== undefined) return { liveness: "answers", sinceMs: sinceMs ?? longest("alive") };
  // It said farewell: that it does not answer is as it was meant.
  const farewell = gossipAbout(name, input).find(({ state }) => state === "left");
  if (farewell !== undefined) return { liveness: "left", sinceMs: farewell.sinceMs };
  return { liveness: "silent", sinceMs: sinceMs ?? longest("dead") };
}

function gossipAbout(
  name: string,
  { presences }: MergeInput,
): { readonly state: string; readonly sinceMs: number | null }[] {
  return [...presences.values()].flatMap(
    ({ word }) => word?.gossip?.members.filter((member) => member.name === name) ?? [],
  );
}
