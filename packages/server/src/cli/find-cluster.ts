import type { InitialMember } from "holdfast/coordination";
import type { Address, Runtime } from "holdfast/runtime";
import type { NodeGossip } from "../gossip/node-gossip.ts";
import { recallCluster, rememberCluster } from "../gossip/remembered-cluster.ts";
import { learnCluster } from "../gossip/learn-cluster.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { explained, type NodePlaces } from "./explain-start.ts";
import { memberNamed } from "./member-named.ts";

export interface FindClusterOptions {
  readonly runtime: Runtime;
  readonly places: NodePlaces;
  readonly clusterName: string;
  /** As `--cluster` says. */
  readonly cluster: readonly InitialMember[] | undefined;
  readonly seeds: readonly Address[];
  /** Gossip is needed only to learn. */
  readonly startGossip: (seeds: readonly Address[]) => Promise<NodeGossip>;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface FoundCluster {
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
  const { runtime, places, clusterName, cluster, seeds, signal, say } = options;
  const { name, data: directory } = places;
  if (cluster !== undefined) return { members: cluster, remember: () => Promise.resolve() };
  const place = { disk: runtime.disk, directory, clusterName };
  const remembered = await explained(places, () => recallCluster(place));
  if (remembered !== undefined) {
    memberNamed(name, remembered, "the members learned before");
    say(`the cluster is ${remembered.map((member) => member.name).join(", ")}, as learned before`);
    return { members: remembered, remember: () => Promise.resolve() };
  }
  const gossip = await options.startGossip(seeds);
  say(`looking for the cluster through ${seeds.map(addressText).join(", ")}`);
  const members = await learnCluster({ gossip, seeds, clock: runtime.clock, signal });
  memberNamed(name, members, "the cluster's members");
  return { members, remember: () => rememberCluster(place, members) };
}
