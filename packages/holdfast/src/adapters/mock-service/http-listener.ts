import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Address } from "../../runtime/index.ts";
import type { ActiveFault } from "./active-fault.ts";
import type { FaultSet } from "./fault-set.ts";

export interface HttpListenerOptions {
  readonly listen: Address;
  readonly faults: FaultSet;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Listens, unless a fault says that nobody does; always at the port that it had first. */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #sockets = new Set<Socket>();
  /** The connection over which somebody asked for the outage: it ends with the answer. */
  readonly #spared = new WeakSet<Socket>();
  #server: Server | undefined;
  #address: Address;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#address = options.listen;
  }

  get address(): Address {
    return this.#address;
  }

  get open(): number {
    return this.#sockets.size;
  }

  spare(socket: Socket): void {
    this.#spared.add(socket);
  }

  /** Does as the faults say. Rejects when the port was taken meanwhile. */
  settle(): Promise<void> {
    // One after the other: two that both find nobody listening would both listen.
    const done = this.#last.then(() => this.#settle());
    this.#last = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  async #settle(): Promise<void> {
    const { down } = this.#options.faults;
    if (this.#isClosed) return;
    if (down === undefined) {
      this.#server ??= await this.#listen();
    } else if (this.#server !== undefined) {
      down.strike();
      this.#stop(down);
    }
  }

  #stop(down: ActiveFault): void {
    // Its handle is closed at once: the port is free.
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) {
      if (this.#spared.has(socket)) continue;
      down.strike();
      socket.resetAndDestroy();
    }
  }

  #listen(): Promise<Server> {
    const { maxHeaderBytes, maxConnections, onRequest } = this.#options;
    return new Promise((resolve, reject) => {
      const server = createServer({ maxHeaderSize: maxHeaderBytes, noDelay: true }, onRequest);
      server.maxConnections = maxConnections;
      server.on("connection", (socket: Socket) => this.#accept(server, socket));
      server.once("error", reject);
      server.listen({ host: this.#address.host, port: this.#address.port }, () => {
        server.off("error", reject);
        // What is left to go wrong is one connection's, such as no file left for it.
        server.on("error", () => undefined);
        const { address, port } = server.address() as AddressInfo;
        this.#address = { host: address, port };
        resolve(server);
      });
    });
  }

  #accept(server: Server, socket: Socket): void {
    socket.on("error", () => undefined);
    // Accepted by the system before it heard of the outage.
    if (server !== this.#server) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
