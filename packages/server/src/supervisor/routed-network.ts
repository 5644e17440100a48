import type { Network } from "holdfast/runtime";
import { addressText } from "./cluster-plan.ts";
import type { RouteTables } from "./route-file.ts";

/** A network on which some addresses are reached by way of others, as the tables say at the time. */
export function routedNetwork(network: Network, tables: () => RouteTables): Network {
  return {
    listen: (address, onConnection) => network.listen(address, onConnection),
    connect: (address, options) => network.connect(tables().streams.get(addressText(address)) ?? address, options),
    async openDatagram(address, onMessage) {
      const socket = await network.openDatagram(address, onMessage);
      return {
        address: socket.address,
        send: (bytes, to) => socket.send(bytes, tables().datagrams.get(addressText(to)) ?? to),
        close: () => socket.close(),
      };
    },
  };
}
