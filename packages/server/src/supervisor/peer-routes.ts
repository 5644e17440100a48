import { faultProxy, type FaultProxy } from "holdfast/adapters/fault-proxy";
import { checkNumber, checkOptionNames } from "holdfast/errors/base";
import type { FaultOrder, FaultParameters, LiveTarget } from "holdfast/proof";
import type { Address } from "holdfast/runtime";
import { addressText, type ClusterPlan, type MemberPlan } from "./cluster-plan.ts";

/** The ways between members, each through proxies of its own: what `from` says to `to`, and hears back. */
export interface PeerRoutes {
  /** Options of `holdfast node` that send the member through its proxies. */
  lineOf(member: MemberPlan): readonly string[];
  /** A member's ways to all others, as one target. */
  targetOf(member: MemberPlan): LiveTarget;
  close(): Promise<void>;
}

type Way = "outgoing" | "incoming";

interface Route {
  readonly from: string;
  readonly to: string;
  /** What the member believes to reach. */
  readonly place: Address;
  readonly proxy: FaultProxy;
}

interface NumberRule {
  readonly least: number;
  readonly most: number;
  readonly default: number;
}

interface RouteFault {
  readonly ways: readonly Way[];
  readonly stream: "clog" | "delay" | "loss" | "bandwidth";
  /** Of datagrams, where it is another. */
  readonly datagram?: "blackHole";
  readonly parameters: Readonly<Record<string, NumberRule>>;
}

const cut = { stream: "clog", datagram: "blackHole", parameters: {} } as const;

/** By kind: what a member's ways can suffer. A cut holds bytes back until it heals, and loses datagrams. */
export const routeFaults: Readonly<
  Record<"partition" | "cannotSend" | "cannotHear" | "delay" | "loss" | "bandwidth", RouteFault>
> = {
  partition: { ways: ["outgoing", "incoming"], ...cut },
  cannotSend: { ways: ["outgoing"], ...cut },
  cannotHear: { ways: ["incoming"], ...cut },
  delay: {
    ways: ["outgoing", "incoming"],
    stream: "delay",
    parameters: {
      delayMs: { least: 0, most: 10_000, default: 100 },
      jitterMs: { least: 0, most: 10_000, default: 0 },
    },
  },
  loss: { ways: ["outgoing", "incoming"], stream: "loss", parameters: { share: { least: 0, most: 1, default: 0.1 } } },
  bandwidth: {
    ways: ["outgoing", "incoming"],
    stream: "bandwidth",
    parameters: { bytesPerSecond: { least: 1, most: 1e9, default: 10_000 } },
  },
};

export type RouteFaultKind = keyof typeof routeFaults;

/** Opens proxies for each ordered pair of members: for Raft, and for gossip by streams and by datagrams. */
export async function openPeerRoutes(plan: ClusterPlan): Promise<PeerRoutes> {
  const routes: Route[] = [];
  const close = async (): Promise<void> => void (await Promise.all(routes.map(({ proxy }) => proxy.close())));
  try {
    for (const from of plan.members) {
      for (const to of plan.members.filter((member) => member !== from)) {
        const between = [
          ["raft", "tcp", to.peer],
          ["sync", "tcp", to.gossip],
          ["gossip", "udp", to.gossip],
        ] as const;
        for (const [what, protocol, place] of between) {
          const proxy = await faultProxy({ name: `${what}-${from.name}-${to.name}`, protocol, upstream: place });
          routes.push({ from: from.name, to: to.name, place, proxy });
        }
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    lineOf({ name }) {
      const own = routes.filter(({ from }) => from === name);
      const through = own.map(
        ({ place, proxy }) => `${proxy.protocol}:${addressText(place)}=${addressText(proxy.address)}`,
      );
      return own.length === 0 ? [] : [`--through=${through.join(",")}`];
    },
    targetOf: ({ name }) => new RoutesTarget(name, routes),
    close,
  };
}

class RoutesTarget implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly RouteFaultKind[] = Object.keys(routeFaults) as RouteFaultKind[];
  readonly #routes: readonly (Route & { readonly way: Way })[];

  constructor(member: string, routes: readonly Route[]) {
    this.name = `peers-${member}`;
    this.#routes = routes.flatMap((route): (Route & { readonly way: Way })[] => {
      if (route.from === member) return [{ ...route, way: "outgoing" }];
      return route.to === member ? [{ ...route, way: "incoming" }] : [];
    });
  }

  optedIn(): boolean {
    return true;
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    const rules = routeFaults[kind as RouteFaultKind].parameters;
    checkOptionNames("parameters", parameters, Object.keys(rules));
    return Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [
        name,
        checkNumber(`parameters.${name}`, parameters[name] ?? rule.default, rule.least, rule.most),
      ]),
    );
  }

  async inject(order: FaultOrder): Promise<void> {
    const { ways, stream, datagram } = routeFaults[order.kind as RouteFaultKind];
    for (const { proxy, way } of this.#routes) {
      const kind = proxy.protocol === "udp" ? (datagram ?? stream) : stream;
      // Who answers a datagram answers on the way on which it came.
      const direction = ways.length === 2 ? "both" : ways[0] === way ? "up" : "down";
      await proxy.inject({ ...order, kind, parameters: proxy.check(kind, { ...order.parameters, direction }) }, null);
    }
  }

  async remove(order: FaultOrder): Promise<void> {
    for (const { proxy } of this.#routes) await proxy.remove(order, null);
  }

  struck(id: string): number {
    return this.#routes.reduce((sum, { proxy }) => sum + (proxy.struck?.(id) ?? 0), 0);
  }
}
