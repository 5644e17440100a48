import { platformError } from "./platform-error.ts";
import type { Address, Connection } from "./runtime.ts";
import type { EventOwner } from "./simulation-engine.ts";

/** A listening port. */
export interface OpenListener {
  readonly owner: EventOwner;
  readonly address: Address;
  readonly onConnection: (connection: Connection) => void;
}

/** An open datagram socket. */
export interface OpenSocket {
  readonly owner: EventOwner;
  readonly address: Address;
  readonly onMessage: (bytes: Uint8Array, from: Address) => void;
  isOpen: boolean;
  /** How many datagrams wait for a paused owner. */
  waiting: number;
}

/** The first of the ports given to those who ask for any (RFC 6335, section 6). */
const firstDynamicPort = 49_152;
const lastPort = 65_535;

const ownNames = new Set(["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"]);

/** A machine on the network: whether it is on, and its ports. */
export class Machine {
  readonly host: string;
  isOn = true;
  readonly listeners: Map<number, OpenListener> = new Map();
  readonly sockets: Map<number, OpenSocket> = new Map();
  #nextPort = firstDynamicPort;

  constructor(host: string) {
    this.host = host;
  }

  /** Which machine a name means when this one uses it. */
  resolve(host: string): string {
    return ownNames.has(host) ? this.host : host;
  }

  /** Takes a port among `taken`. @throws EADDRINUSE, EADDRNOTAVAIL */
  bind(address: Address, taken: ReadonlyMap<number, unknown>, syscall: string): Address {
    const subject = `${address.host}:${address.port}`;
    if (this.resolve(address.host) !== this.host) throw platformError("EADDRNOTAVAIL", syscall, subject);
    const { port } = address;
    if (port === 0) return { host: this.host, port: this.dynamicPort(taken) };
    if (!Number.isInteger(port) || port < 0 || port > lastPort) {
      throw new RangeError(`port must be an integer in 0..65535 (got ${port})`);
    }
    if (taken.has(port)) throw platformError("EADDRINUSE", syscall, subject);
    return { host: this.host, port };
  }

  /** A port that is not taken; those given before come again last. */
  dynamicPort(taken: ReadonlyMap<number, unknown>): number {
    for (let tried = firstDynamicPort; tried <= lastPort; tried++) {
      const port = this.#nextPort;
      this.#nextPort = port === lastPort ? firstDynamicPort : port + 1;
      if (!taken.has(port)) return port;
    }
    throw platformError("EADDRINUSE", "bind", `${this.host}:0`, "no port is free");
  }

  /** The process ended: its ports are free. */
  closeAll(): void {
    this.listeners.clear();
    this.sockets.clear();
  }
}
