import { checkNumber, checkOptionNames } from "holdfast/errors/base";
import type { FaultOrder, FaultParameters, LiveTarget } from "holdfast/proof";
import type { PeerRoute } from "./peer-routes.ts";

type Way = "outgoing" | "incoming";

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

/** One member's ways to all others, those that are opened later included. */
export class RoutesTarget implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly RouteFaultKind[] = Object.keys(routeFaults) as RouteFaultKind[];
  readonly #member: string;
  readonly #routes: () => readonly PeerRoute[];
  readonly #orders = new Map<string, FaultOrder>();

  constructor(member: string, routes: () => readonly PeerRoute[]) {
    this.name = `peers-${member}`;
    this.#member = member;
    this.#routes = routes;
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
    this.#orders.set(order.id, order);
    await this.#strike(order, this.#routes());
  }

  async remove(order: FaultOrder): Promise<void> {
    this.#orders.delete(order.id);
    for (const { proxy } of this.#own(this.#routes())) await proxy.remove(order, null);
  }

  struck(id: string): number {
    return this.#own(this.#routes()).reduce((sum, { proxy }) => sum + (proxy.struck?.(id) ?? 0), 0);
  }

  /** Strikes new ways with what strikes the others. */
  async adopt(routes: readonly PeerRoute[]): Promise<void> {
    for (const order of this.#orders.values()) await this.#strike(order, routes);
  }

  async #strike(order: FaultOrder, routes: readonly PeerRoute[]): Promise<void> {
    const { ways, stream, datagram } = routeFaults[order.kind as RouteFaultKind];
    for (const { proxy, from } of this.#own(routes)) {
      const way: Way = from === this.#member ? "outgoing" : "incoming";
      const kind = proxy.protocol === "udp" ? (datagram ?? stream) : stream;
      // Who answers a datagram answers on the way on which it came.
      const direction = ways.length === 2 ? "both" : ways[0] === way ? "up" : "down";
      await proxy.inject({ ...order, kind, parameters: proxy.check(kind, { ...order.parameters, direction }) }, null);
    }
  }

  #own(routes: readonly PeerRoute[]): readonly PeerRoute[] {
    return routes.filter(({ from, to }) => from === this.#member || to === this.#member);
  }
}
