import { faultRegistry, type FaultParameters, type LiveFault, type LiveFaultRequest } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import type { ClusterPlan, MemberPlan } from "../supervisor/cluster-plan.ts";
import { openPeerRoutes } from "../supervisor/peer-routes.ts";

/** One direction of a pair: `from` says something to `to`. */
export interface PeerLink {
  readonly from: string;
  readonly to: string;
}

/** Faults on their way. */
export interface StruckLinks {
  /** Takes them back; each link's fault as it was at its end, and how often gossip was struck. */
  end(): Promise<{ readonly faults: readonly LiveFault[]; readonly gossipStruck: number }>;
}

/**
 * The ways between members, each to be struck by itself: what members agree on they send on what they have dialled, and
 * gossip comes back on the way on which it went.
 */
export interface PeerLinks {
  /** Options of `holdfast node` that send a member through its proxies. */
  lineOf(member: MemberPlan): readonly string[];
  /** Strikes all of these at once. */
  strike(links: readonly PeerLink[], kind: string, parameters: FaultParameters): Promise<StruckLinks>;
  close(): Promise<void>;
}

/** They are taken back long before; should the drill hang, this ends them. */
const durationMs = 600_000;

export const nameOf = ({ from, to }: PeerLink): string => `${from}-${to}`;

/** Opens proxies for each ordered pair of members. */
export async function openPeerLinks(plan: ClusterPlan): Promise<PeerLinks> {
  const routes = await openPeerRoutes(plan);
  const targets = routes.all().map(({ proxy }) => proxy);
  const registry = faultRegistry({ clock: nodeRuntime().clock, targets });
  return {
    lineOf: (member) => routes.lineOf(member),
    async strike(links, kind, parameters) {
      const inject = async (request: Omit<LiveFaultRequest, "durationMs">): Promise<LiveFault> =>
        registry.inject({ ...request, durationMs });
      const peers = await Promise.all(links.map((link) => inject({ target: nameOf(link), kind, parameters })));
      const gossip = await Promise.all(links.flatMap((link) => gossipFaults(link, kind, parameters)).map(inject));
      const end = (faults: readonly LiveFault[]): Promise<LiveFault[]> =>
        Promise.all(faults.map(({ id }) => registry.remove(id)));
      return {
        async end() {
          const [faults, others] = await Promise.all([end(peers), end(gossip)]);
          return { faults, gossipStruck: others.reduce((sum, { struck }) => sum + (struck ?? 0), 0) };
        },
      };
    },
    async close() {
      await registry.close();
      await routes.close();
    },
  };
}

/** What both protocols can, in one direction. */
const alsoOfGossip: readonly string[] = ["delay", "loss", "bandwidth", "blackHole"];

/** The same for gossip: of what `from` says, some goes there by its own proxies, and answers by those of `to`. */
function gossipFaults(
  { from, to }: PeerLink,
  kind: string,
  parameters: FaultParameters,
): Omit<LiveFaultRequest, "durationMs">[] {
  const [there, back] = [nameOf({ from, to }), nameOf({ from: to, to: from })];
  const both = (suffix: string, own: string, given: FaultParameters): Omit<LiveFaultRequest, "durationMs">[] => [
    { target: `${there}.${suffix}`, kind: own, parameters: { ...given, direction: "up" } },
    { target: `${back}.${suffix}`, kind: own, parameters: { ...given, direction: "down" } },
  ];
  if (kind === "partition") return [...both("udp", "loss", { share: 1 }), ...both("tcp", "clog", {})];
  return alsoOfGossip.includes(kind) ? [...both("udp", kind, parameters), ...both("tcp", kind, parameters)] : [];
}
