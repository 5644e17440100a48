import { isJoint, type Configuration, type RaftNode } from "../../consensus/index.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { MemberInfo } from "../coordination.ts";

/** Where what is known of members comes from. */
export interface MemberSources {
  /** What members have made known of themselves. */
  readonly published: readonly MemberInfo[];
  readonly cluster: ClusterState;
  /** What this member was started with. */
  readonly initial: readonly MemberInfo[];
}

/** The latest configuration known to be committed. */
export function committedConfiguration({ raft }: RaftNode): Configuration {
  const { configurations, configurationCommitted } = raft;
  return configurations.findLast(({ index }) => index <= configurationCommitted)?.configuration ?? raft.configuration;
}

/** Nothing is being changed just now. */
export function isSettled({ raft }: RaftNode): boolean {
  return raft.configurations.at(-1)!.index <= raft.configurationCommitted && !isJoint(raft.configuration);
}

/** Who takes part, by ascending id; one that has not been told yet knows whom it was started with. */
export function listMembers(configuration: Configuration, sources: MemberSources): readonly MemberInfo[] {
  const { voters, votersOutgoing, learners } = configuration;
  const ids = new Set([...voters, ...votersOutgoing, ...learners]);
  if (ids.size === 0) return sources.initial;
  const published = new Map(sources.published.map((info) => [info.id, info]));
  return [...ids]
    .sort((a, b) => a - b)
    .map((number) => describe(number, configuration, published.get(BigInt(number)), sources));
}

function describe(
  number: number,
  { learners, witnesses, addresses }: Configuration,
  published: MemberInfo | undefined,
  { cluster, initial }: MemberSources,
): MemberInfo {
  const id = BigInt(number);
  const told = cluster.told.get(id);
  const first = initial.find((info) => info.id === id);
  const address = addresses.get(number);
  const peerUrls =
    told?.peerUrls ?? published?.peerUrls ?? (address === undefined ? (first?.peerUrls ?? []) : [`http://${address}`]);
  return {
    id,
    name: published?.name ?? (told?.name || first?.name || ""),
    peerUrls,
    clientUrls: published?.clientUrls ?? [],
    httpUrls: published?.httpUrls ?? [],
    isLearner: learners.includes(number),
    ...(witnesses.includes(number) ? { isWitness: true } : {}),
  };
}
