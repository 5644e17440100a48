import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { DatagramShaper, StruckConnection } from "../../proof/index.ts";
import type { Address, Clock, RandomSource, Timer } from "../../runtime/index.ts";
import type { ProxyFaults } from "./proxy-faults.ts";
import type { TrafficCounts } from "./traffic-counts.ts";

export interface UdpProxyOptions {
  readonly listen: Address;
  readonly upstream: Address;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly faults: ProxyFaults;
  readonly counts: TrafficCounts;
  readonly maxHeldBytes: number;
  readonly maxConnections: number;
  readonly idleMs: number;
}

/** What one client sends and gets, over a socket of its own to the upstream. */
interface Flow {
  readonly socket: Socket;
  readonly up: DatagramShaper;
  readonly down: DatagramShaper;
  readonly struck: StruckConnection;
  usedAt: number;
}

/** Passes datagrams on; a client is an address, and forgotten when nothing has come or gone for a while. */
export class UdpProxy {
  readonly #options: UdpProxyOptions;
  /** The one used longest ago first. */
  readonly #flows = new Map<string, Flow>();
  readonly #forget: () => void;
  #socket: Socket | undefined;
  #upstream: { readonly address: string; readonly family: number } = { address: "", family: 4 };
  #address: Address;
  #sweep: Timer | undefined;

  constructor(options: UdpProxyOptions) {
    this.#options = options;
    this.#address = options.listen;
    this.#forget = options.faults.onChange(() => {
      for (const flow of this.#flows.values()) this.#change(flow);
    });
  }

  get address(): Address {
    return this.#address;
  }

  get open(): number {
    return this.#flows.size;
  }

  async settle(): Promise<void> {
    if (this.#socket !== undefined) return;
    const { listen, upstream } = this.#options;
    this.#upstream = await lookup(upstream.host);
    const socket = createSocket(isIPv6(listen.host) ? "udp6" : "udp4");
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => {
        socket.close();
        reject(error);
      };
      socket.once("error", fail);
      socket.bind({ address: listen.host, port: listen.port }, () => {
        socket.off("error", fail);
        resolve();
      });
    });
    this.#socket = socket;
    // An error of one datagram is a loss.
    socket.on("error", () => undefined);
    socket.on("message", (bytes, from) => this.#receive(bytes, from));
    const { address: host, port } = socket.address();
    this.#address = { host, port };
  }

  async close(): Promise<void> {
    this.#forget();
    this.#sweep?.cancel();
    for (const [key, flow] of this.#flows) this.#drop(key, flow);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(resolve));
  }

  #receive(bytes: Uint8Array, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, from);
    flow.usedAt = this.#options.clock.now();
    this.#flows.delete(key);
    this.#flows.set(key, flow);
    flow.up.push(bytes);
  }

  #open(key: string, { address, port }: RemoteInfo): Flow {
    const { clock, random, maxHeldBytes, counts, upstream, maxConnections } = this.#options;
    const [oldest] = this.#flows;
    if (oldest !== undefined && this.#flows.size >= maxConnections) this.#drop(...oldest);
    counts.accepted++;
    const socket = createSocket(this.#upstream.family === 6 ? "udp6" : "udp4");
    const sendUp = (bytes: Uint8Array): void => {
      counts.add("up", bytes.length);
      socket.send(bytes, upstream.port, this.#upstream.address, () => undefined);
    };
    const sendDown = (bytes: Uint8Array): void => {
      counts.add("down", bytes.length);
      this.#socket?.send(bytes, port, address, () => undefined);
    };
    const flow: Flow = {
      socket,
      up: new DatagramShaper({ clock, random, maxHeldBytes, send: sendUp }),
      down: new DatagramShaper({ clock, random, maxHeldBytes, send: sendDown }),
      struck: new StruckConnection(random),
      usedAt: clock.now(),
    };
    socket.on("error", () => counts.upstreamFailed++);
    socket.on("message", (bytes, from) => {
      // Strangers that guessed the port are not the upstream.
      if (from.port !== upstream.port || from.address !== this.#upstream.address) return;
      flow.usedAt = clock.now();
      flow.down.push(bytes);
    });
    this.#flows.set(key, flow);
    this.#change(flow);
    this.#sweep ??= clock.setTimer(this.#options.idleMs, () => this.#dropIdle());
    return flow;
  }

  #change(flow: Flow): void {
    const struck = flow.struck.meet(this.#options.faults.present);
    flow.up.setFaults(flow.struck.inDirection(struck, "up"));
    flow.down.setFaults(flow.struck.inDirection(struck, "down"));
  }

  #dropIdle(): void {
    const { clock, idleMs } = this.#options;
    const since = clock.now() - idleMs;
    for (const [key, flow] of this.#flows) if (flow.usedAt <= since) this.#drop(key, flow);
    this.#sweep = this.#flows.size === 0 ? undefined : clock.setTimer(idleMs / 2, () => this.#dropIdle());
  }

  #drop(key: string, flow: Flow): void {
    this.#flows.delete(key);
    flow.up.close();
    flow.down.close();
    flow.socket.close();
  }
}
