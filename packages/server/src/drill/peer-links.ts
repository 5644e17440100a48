import { faultProxy, type FaultProxy } from "holdfast/adapters/fault-proxy";
import { faultRegistry, type FaultParameters, type LiveFault } from "holdfast/proof";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { addressText, nodeArguments, type ClusterPlan, type MemberPlan } from "../supervisor/cluster-plan.ts";

/** One direction of a pair: `from` says something to `to`. */
export interface PeerLink {
  readonly from: string;
  readonly to: string;
}

/** The ways between members, each through a proxy of its own: members dial each other, and send on what they dialled. */
export interface PeerLinks {
  /** The line that starts a member that reaches the others through its own proxies. */
  lineOf(member: MemberPlan): readonly string[];
  /** Strikes all of these at once; what it returns takes it back, and gives each link's fault as it was at its end. */
  strike(
    links: readonly PeerLink[],
    kind: string,
    parameters: FaultParameters,
  ): Promise<() => Promise<readonly LiveFault[]>>;
  close(): Promise<void>;
}

/** A member's own place in what it is told of the cluster: nobody can dial it, so nobody goes round the proxies. */
const nowhere: Address = { host: "127.0.0.1", port: 0 };
/** Snapshots carry the members' addresses, and those are different here for every member: there shall be none. */
const noSnapshots = 1_000_000_000;
/** They are taken back long before; should the drill hang, this ends them. */
const durationMs = 600_000;

export const nameOf = ({ from, to }: PeerLink): string => `${from}-${to}`;

/** Opens a proxy for each ordered pair of members. */
export async function openPeerLinks(plan: ClusterPlan): Promise<PeerLinks> {
  const proxies = new Map<string, FaultProxy>();
  for (const from of plan.members) {
    for (const to of plan.members.filter((member) => member !== from)) {
      const name = nameOf({ from: from.name, to: to.name });
      proxies.set(name, await faultProxy({ name, upstream: to.peer }));
    }
  }
  const registry = faultRegistry({ clock: nodeRuntime().clock, targets: [...proxies.values()] });
  return {
    lineOf(member) {
      const members = plan.members.map((other) => {
        const proxy = proxies.get(nameOf({ from: member.name, to: other.name }));
        return { ...other, peer: proxy?.address ?? nowhere };
      });
      // Who is alive they tell each other directly: the usual place beside the peer port is nobody's here.
      const gossip = plan.members
        .filter((other) => other.name !== member.name)
        .map((other) => addressText(other.gossip));
      const join = gossip.length === 0 ? [] : [`--join=${gossip.join(",")}`];
      return [...nodeArguments({ ...plan, members }, member), ...join, `--snapshot-entries=${noSnapshots}`];
    },
    async strike(links, kind, parameters) {
      const faults = await Promise.all(
        links.map((link) => registry.inject({ target: nameOf(link), kind, parameters, durationMs })),
      );
      return () => Promise.all(faults.map(({ id }) => registry.remove(id)));
    },
    async close() {
      await registry.close();
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    },
  };
}
