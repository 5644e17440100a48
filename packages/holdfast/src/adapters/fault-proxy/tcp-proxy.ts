import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Direction } from "../../proof/index.ts";
import type { Address, Clock, RandomSource } from "../../runtime/index.ts";
import { ProxiedConnection } from "./proxied-connection.ts";
import type { ProxyFaults } from "./proxy-faults.ts";
import type { TrafficCounts } from "./traffic-counts.ts";

export interface TcpProxyOptions {
  readonly listen: Address;
  readonly upstream: Address;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly faults: ProxyFaults;
  readonly counts: TrafficCounts;
  readonly maxHeldBytes: number;
  readonly maxConnections: number;
}

/** Listens, and makes a connection to the upstream for each that it accepts. */
export class TcpProxy {
  readonly #options: TcpProxyOptions;
  readonly #connections = new Set<ProxiedConnection>();
  #server: Server | undefined;
  #address: Address;
  #isClosed = false;

  constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#address = options.listen;
  }

  get address(): Address {
    return this.#address;
  }

  get open(): number {
    return this.#connections.size;
  }

  /** Does as the faults say: listens, or does not. Rejects when the port was taken meanwhile. */
  async settle(): Promise<void> {
    const down = this.#options.faults.find("down");
    if (down === undefined) {
      if (this.#server === undefined && !this.#isClosed) await this.#listen();
      return;
    }
    if (this.#server !== undefined) down.strike();
    this.#stopListening();
    for (const connection of this.#connections) {
      down.strike();
      connection.reset();
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    for (const connection of this.#connections) connection.reset();
    return Promise.resolve();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
      server.maxConnections = this.#options.maxConnections;
      server.on("drop", () => this.#options.counts.refused++);
      server.once("error", reject);
      server.listen({ host: this.#address.host, port: this.#address.port }, () => {
        server.off("error", reject);
        // What is left to go wrong is one connection's, such as no file left for it.
        server.on("error", () => this.#options.counts.refused++);
        const { address, port } = server.address() as AddressInfo;
        this.#address = { host: address, port };
        if (this.#isClosed) server.close();
        else this.#server = server;
        resolve();
      });
    });
  }

  #stopListening(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  #accept(client: Socket): void {
    const { upstream, clock, random, faults, maxHeldBytes, counts } = this.#options;
    // Accepted by the system before it heard of it.
    if (this.#isClosed || faults.find("down") !== undefined) {
      client.on("error", () => undefined);
      client.resetAndDestroy();
      return;
    }
    counts.accepted++;
    const connection = new ProxiedConnection({
      client,
      upstream,
      clock,
      random,
      faults,
      maxHeldBytes,
      onBytes: (direction: Direction, bytes) => counts.add(direction, bytes),
      onUpstreamFailed: () => counts.upstreamFailed++,
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}
