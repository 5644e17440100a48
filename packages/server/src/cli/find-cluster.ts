import { foundingCluster, type InitialMember, type JoinedCluster, type MemberOptions } from "holdfast/coordination";
import type { Address, Runtime } from "holdfast/runtime";
import type { ClientTls } from "../client/connections.ts";
import type { NodeGossip } from "../gossip/node-gossip.ts";
import { recallCluster, rememberCluster } from "../gossip/remembered-cluster.ts";
import { gossipSeeds } from "../gossip/gossip-address.ts";
import { learnCluster, type LearnedCluster, type LearnedMember } from "../gossip/learn-cluster.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { explained, type NodePlaces } from "./explain-start.ts";
import { environmentError, usageError } from "./exit.ts";
import { printable } from "./terminal.ts";

export interface FindClusterOptions {
  readonly runtime: Runtime;
  readonly places: NodePlaces;
  readonly clusterName: string;
  /** As `--cluster` says. */
  readonly cluster: readonly InitialMember[] | undefined;
  /** The cluster runs already, and this member was added to it. */
  readonly isExisting: boolean;
  readonly seeds: readonly Address[];
  /** What we go by when we ask a member. */
  readonly tls: ClientTls;
  /** Gossip is needed only to learn. */
  readonly startGossip: (seeds: readonly Address[]) => Promise<NodeGossip>;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface FoundCluster {
  /** What `createMember` is told. */
  readonly home: Pick<MemberOptions, "cluster" | "join">;
  readonly members: readonly InitialMember[];
  /** Keeps what was learned for the next start, once the directory is known to be this member's. */
  remember(): Promise<void>;
}

/**
 * Who the cluster's members are: as given, or else as remembered, or else as a running member tells.
 *
 * @throws ExitError when nobody knows, or this member is none of them; the signal's reason
 */
export async function findCluster(options: FindClusterOptions): Promise<FoundCluster> {
  const { runtime, places, clusterName, cluster, isExisting, signal, say } = options;
  const { name, data: directory } = places;
  if (cluster !== undefined && !isExisting) {
    const home = { cluster: { name: clusterName, members: cluster } };
    return { home, members: cluster, remember: () => Promise.resolve() };
  }
  const place = { disk: runtime.disk, directory, clusterName };
  const remembered = await explained(places, () => recallCluster(place));
  if (remembered !== undefined) {
    say(`the cluster is ${listed(remembered)}, as learned before`);
    return { home: homeIn(remembered, clusterName), members: remembered.members, remember: () => Promise.resolve() };
  }
  const others = cluster?.filter((member) => member.name !== name) ?? [];
  const seeds = [...options.seeds, ...gossipSeeds(others)];
  const gossip = await options.startGossip(seeds);
  say(`looking for the cluster through ${seeds.map(addressText).join(", ")}`);
  const learned = await learnCluster({ gossip, seeds, tls: options.tls, clock: runtime.clock, signal });
  const self = selfIn(learned, places);
  if (self.hasRun && (await explained(places, () => isEmpty(runtime, directory)))) {
    throw environmentError(
      `${name} has run before, and its data is not in ${directory}: name its directory (--data DIR), ` +
        `or have it removed and added anew: holdfast member remove ${name}; holdfast member add ${name} --peer HOST:PORT`,
    );
  }
  const join: JoinedCluster = { ...learned, memberId: self.id };
  return { home: homeIn(join, clusterName), members: learned.members, remember: () => rememberCluster(place, join) };
}

function homeIn(join: JoinedCluster, clusterName: string): FoundCluster["home"] {
  const cluster = foundingCluster(join, clusterName);
  return cluster === undefined ? { join } : { cluster };
}

/** The member of that name, or else the one without a name at our peer address. @throws ExitError (usage) */
function selfIn({ members }: LearnedCluster, { name, peer }: NodePlaces): LearnedMember {
  const here = (member: LearnedMember): boolean => member.name === "" && addressText(member.peer) === addressText(peer);
  const found = members.find((member) => member.name === name) ?? members.find(here);
  if (found !== undefined) return found;
  throw usageError(
    `--name must be one of the cluster's members: ${listed({ members })} (got ${JSON.stringify(name)}); ` +
      `add it first: holdfast member add ${name} --peer ${addressText(peer)}`,
  );
}

function listed({ members }: Pick<JoinedCluster, "members">): string {
  const names = members.map((member) => printable(member.name || addressText(member.peer)));
  return names.toSorted().join(", ");
}

async function isEmpty({ disk }: Runtime, directory: string): Promise<boolean> {
  try {
    return (await disk.list(directory)).length === 0;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return true;
    throw error;
  }
}
