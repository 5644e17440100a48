import { extname } from "node:path";
import { faultProxy, type FaultProxy } from "holdfast/adapters/fault-proxy";
import { faultRegistry, type FaultParameters, type LiveFault, type LiveFaultRequest } from "holdfast/proof";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { addressText, type ClusterPlan, type MemberPlan } from "../supervisor/cluster-plan.ts";
import type { MemberSurroundings } from "../supervisor/member-process.ts";

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
 * The ways between members, each through proxies of its own: one for what they agree on, which they send on what they have
 * dialled, and two for gossip, which comes back on the way on which it went.
 */
export interface PeerLinks {
  /** What a member must be started with to reach the others through its own proxies. */
  surroundingsOf(member: MemberPlan): MemberSurroundings;
  /** Strikes all of these at once. */
  strike(links: readonly PeerLink[], kind: string, parameters: FaultParameters): Promise<StruckLinks>;
  close(): Promise<void>;
}

interface Way {
  readonly peer: FaultProxy;
  readonly datagrams: FaultProxy;
  readonly streams: FaultProxy;
}

/** They are taken back long before; should the drill hang, this ends them. */
const durationMs = 600_000;
/** Same file, as source or built. */
const preload: string = new URL(`./member-routes${extname(import.meta.filename)}`, import.meta.url).href;

export const nameOf = ({ from, to }: PeerLink): string => `${from}-${to}`;

/** Opens proxies for each ordered pair of members. */
export async function openPeerLinks(plan: ClusterPlan): Promise<PeerLinks> {
  const ways = new Map<string, Way>();
  for (const from of plan.members) {
    for (const to of plan.members.filter((member) => member !== from)) {
      const name = nameOf({ from: from.name, to: to.name });
      const [peer, datagrams, streams] = await Promise.all([
        faultProxy({ name, upstream: to.peer }),
        faultProxy({ name: `${name}.udp`, upstream: to.gossip, protocol: "udp" }),
        faultProxy({ name: `${name}.tcp`, upstream: to.gossip }),
      ]);
      ways.set(name, { peer, datagrams, streams });
    }
  }
  const proxies = [...ways.values()].flatMap(({ peer, datagrams, streams }) => [peer, datagrams, streams]);
  const registry = faultRegistry({ clock: nodeRuntime().clock, targets: proxies });
  const wayOf = (link: PeerLink): Way => ways.get(nameOf(link))!;
  return {
    surroundingsOf(member) {
      const others = plan.members.filter(({ name }) => name !== member.name);
      const routes = (part: (to: MemberPlan, way: Way) => readonly (readonly [Address, FaultProxy])[]): object =>
        Object.fromEntries(
          others
            .flatMap((to) => part(to, wayOf({ from: member.name, to: to.name })))
            .map(([address, proxy]) => [addressText(address), proxy.address.port]),
        );
      const all = {
        tcp: routes((to, { peer, streams }) => [
          [to.peer, peer],
          [to.gossip, streams],
        ]),
        udp: routes((to, { datagrams }) => [[to.gossip, datagrams]]),
      };
      return { preloads: [preload], environment: { HOLDFAST_DRILL_ROUTES: JSON.stringify(all) } };
    },
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
      await Promise.all(proxies.map((proxy) => proxy.close()));
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
