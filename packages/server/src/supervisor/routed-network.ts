import type { Address, Network } from "holdfast/runtime";
import { addressText } from "./cluster-plan.ts";

/** `HOST:PORT`, and where its traffic goes instead. */
export type Routes = ReadonlyMap<string, Address>;

/** A network on which some addresses are reached by way of others: of streams, and of datagrams, which have routes of their own. */
export function routedNetwork(network: Network, streams: Routes, datagrams: Routes): Network {
  return {
    listen: (address, onConnection) => network.listen(address, onConnection),
    connect: (address, options) => network.connect(streams.get(addressText(address)) ?? address, options),
    async openDatagram(address, onMessage) {
      const socket = await network.openDatagram(address, onMessage);
      return {
        address: socket.address,
        send: (bytes, to) => socket.send(bytes, datagrams.get(addressText(to)) ?? to),
        close: () => socket.close(),
      };
    },
  };
}
