import type { Address, Connection, Network } from "./runtime.ts";
import { connectStream } from "./simulated-connect.ts";
import { sendDatagram } from "./simulated-datagram.ts";
import type { Machine, OpenListener, OpenSocket } from "./simulated-machine.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { EventOwner } from "./simulation-engine.ts";

/** What opening a port takes. */
const bindMs = 0.05;

/** The network as one life of a process sees it. Once that life has ended, its calls have no effect and no answer. */
export function simulatedSockets(network: SimulatedNetwork, machine: Machine, owner: EventOwner): Network {
  const { engine } = network;

  /** Binds at once, and tells so in an event of its own. */
  function bind<T>(open: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!owner.alive) return;
      engine.schedule(engine.now + bindMs, "bind", machine.host, owner, () => {
        try {
          resolve(open());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  return {
    listen: (address: Address, onConnection: (connection: Connection) => void) =>
      bind(() => {
        const bound = machine.bind(address, machine.listeners, "listen");
        const listener: OpenListener = { owner, address: bound, onConnection };
        machine.listeners.set(bound.port, listener);
        return {
          address: bound,
          close() {
            if (machine.listeners.get(bound.port) === listener) machine.listeners.delete(bound.port);
            return Promise.resolve();
          },
        };
      }),
    connect(address, options) {
      if (!owner.alive) return new Promise(() => undefined);
      return connectStream(network, machine, owner, address, options);
    },
    openDatagram: (address: Address, onMessage: (bytes: Uint8Array, from: Address) => void) =>
      bind(() => {
        const bound = machine.bind(address, machine.sockets, "bind");
        const socket: OpenSocket = { owner, address: bound, onMessage, isOpen: true, waiting: 0 };
        machine.sockets.set(bound.port, socket);
        return {
          address: bound,
          send(bytes, to) {
            if (!owner.alive || !socket.isOpen) return;
            sendDatagram(network, bound, bytes, { host: machine.resolve(to.host), port: to.port });
          },
          close() {
            if (owner.alive && socket.isOpen) machine.sockets.delete(bound.port);
            socket.isOpen = false;
            return Promise.resolve();
          },
        };
      }),
  };
}
