import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import {
  checkNetworkFault,
  networkFaultKinds,
  type FaultOrder,
  type FaultParameters,
  type LiveTarget,
  type NetworkFaultKind,
} from "../../proof/index.ts";
import type { Address, Clock, RandomSource } from "../../runtime/index.ts";
import { systemClock, systemRandom } from "../../runtime/system.ts";
import { isLoopback } from "./loopback.ts";
import { ProxyFaults } from "./proxy-faults.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { TrafficCounts } from "./traffic-counts.ts";
import { UdpProxy } from "./udp-proxy.ts";

export interface FaultProxyOptions {
  /** What faults are aimed at: 1 to 64 letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Where what comes in goes. */
  readonly upstream: Address;
  /** Where clients connect. Default a free port of 127.0.0.1. */
  readonly listen?: Address;
  /** Default `tcp`. */
  readonly protocol?: "tcp" | "udp";
  /** The kinds that it agrees to. Default: all of its protocol but `corrupt`. */
  readonly allow?: readonly NetworkFaultKind[];
  /** Lets it listen at addresses that other machines reach. Default false. */
  readonly allowRemote?: boolean;
  /** Default Node's. */
  readonly clock?: Clock;
  /** Default Node's. */
  readonly random?: RandomSource;
  /** For each direction of a connection: beyond it senders wait, and datagrams are dropped. Default 1 MiB. */
  readonly maxHeldBytes?: number;
  /** At once; with UDP, a further one takes the place of the one used longest ago. Default 10 000, with UDP 1 000. */
  readonly maxConnections?: number;
  /** UDP: after which a client is forgotten. Default 60 000. */
  readonly idleMs?: number;
}

export const defaultFaultProxyOptions: {
  readonly listen: Address;
  readonly protocol: "tcp";
  readonly allowRemote: boolean;
  readonly maxHeldBytes: number;
  readonly idleMs: number;
} = {
  listen: { host: "127.0.0.1", port: 0 },
  protocol: "tcp",
  allowRemote: false,
  maxHeldBytes: 1024 * 1024,
  idleMs: 60_000,
};

const defaultMaxConnections = { tcp: 10_000, udp: 1_000 };

/** Since the proxy was made. */
export interface FaultProxyMetrics {
  readonly open: number;
  readonly accepted: number;
  /** Beyond `maxConnections`, or not accepted by the system. */
  readonly refused: number;
  /** Connections for which the upstream was not there. */
  readonly upstreamFailed: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A way to a service that can be disturbed: a target for the registry of live faults. */
export interface FaultProxy extends LiveTarget, AsyncDisposable {
  readonly protocol: "tcp" | "udp";
  /** Where it listens. */
  readonly address: Address;
  readonly upstream: Address;
  readonly metrics: FaultProxyMetrics;
  /** Stops listening and breaks every connection. Idempotent. */
  close(): Promise<void>;
}

const optionNames = ["name", "upstream", "listen", "protocol", "allow", "allowRemote", "clock", "random"];

/**
 * Puts a proxy in front of a TCP or UDP service, which faults can strike on the way: delay, loss, limited bandwidth, resets,
 * cuts in one direction and more. Without faults it passes everything on, ends and back-pressure too.
 *
 * @throws InvalidArgumentError on an option that breaks its rule; Error with Node's `code` (`EADDRINUSE`, …)
 * @example
 * const proxy = await faultProxy({ name: "redis", upstream: { host: "127.0.0.1", port: 6379 } });
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [proxy] });
 * await faults.inject({ target: "redis", kind: "delay", parameters: { delayMs: 100 }, durationMs: 5_000 });
 */
export async function faultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  checkOptionNames("faultProxy", options, [...optionNames, "maxHeldBytes", "maxConnections", "idleMs"]);
  const given = { ...defaultFaultProxyOptions, ...options };
  const protocol = checkOneOf("faultProxy.protocol", given.protocol, ["tcp", "udp"]);
  const kinds = networkFaultKinds[protocol];
  const allow = options.allow ?? kinds.filter((kind) => kind !== "corrupt");
  for (const [at, kind] of allow.entries()) checkOneOf(`faultProxy.allow[${at}]`, kind, kinds);
  checkAddress("faultProxy.upstream", given.upstream, 1);
  checkAddress("faultProxy.listen", given.listen, 0);
  if (!given.allowRemote && !isLoopback(given.listen.host)) {
    const rule = "must be an address of this machine alone, unless allowRemote is true";
    throw new InvalidArgumentError("faultProxy.listen", rule, given.listen.host);
  }
  const maxConnections = given.maxConnections ?? defaultMaxConnections[protocol];
  const faults = new ProxyFaults();
  const counts = new TrafficCounts();
  const shared = {
    listen: given.listen,
    upstream: given.upstream,
    faults,
    counts,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
    maxHeldBytes: checkInteger("faultProxy.maxHeldBytes", given.maxHeldBytes, 1),
    maxConnections: checkInteger("faultProxy.maxConnections", maxConnections, 1),
    idleMs: checkNumber("faultProxy.idleMs", given.idleMs, 1),
  };
  const passage = protocol === "tcp" ? new TcpProxy(shared) : new UdpProxy(shared);
  await passage.settle();
  return new ListeningProxy(given.name, protocol, given.upstream, allow, { passage, faults, counts });
}

interface Parts {
  readonly passage: TcpProxy | UdpProxy;
  readonly faults: ProxyFaults;
  readonly counts: TrafficCounts;
}

class ListeningProxy implements FaultProxy {
  readonly name: string;
  readonly protocol: "tcp" | "udp";
  readonly upstream: Address;
  readonly kinds: readonly NetworkFaultKind[];
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  constructor(
    name: string,
    protocol: "tcp" | "udp",
    upstream: Address,
    kinds: readonly NetworkFaultKind[],
    parts: Parts,
  ) {
    this.name = name;
    this.protocol = protocol;
    this.upstream = upstream;
    this.kinds = kinds;
    this.#parts = parts;
  }

  get address(): Address {
    return this.#parts.passage.address;
  }

  get metrics(): FaultProxyMetrics {
    const { accepted, refused, upstreamFailed, bytesUp, bytesDown } = this.#parts.counts;
    return { open: this.#parts.passage.open, accepted, refused, upstreamFailed, bytesUp, bytesDown };
  }

  optedIn(): boolean {
    return this.#closing === undefined;
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    return checkNetworkFault(kind as NetworkFaultKind, parameters);
  }

  async inject(order: FaultOrder): Promise<void> {
    this.#parts.faults.add(order);
    await this.#parts.passage.settle();
  }

  async remove({ id }: FaultOrder): Promise<void> {
    this.#parts.faults.remove(id);
    await this.#parts.passage.settle();
  }

  struck(id: string): number {
    return this.#parts.faults.struck(id);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#parts.passage.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkAddress(name: string, value: Address, leastPort: number): void {
  checkOptionNames(name, value, ["host", "port"]);
  if (typeof value.host !== "string" || value.host === "") {
    throw new InvalidArgumentError(`${name}.host`, "must be a name or an address", value.host);
  }
  checkInteger(`${name}.port`, value.port, leastPort, 65_535);
}
