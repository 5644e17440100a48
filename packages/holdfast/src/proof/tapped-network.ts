import type { Clock, Connection, Network, Random } from "../runtime/index.ts";
import type { MessageTap } from "./message-tap.ts";

export interface TappedNetworkOptions {
  readonly datagrams: MessageTap<Uint8Array>;
  /** What is written to streams; nothing of it comes twice or overtakes. */
  readonly streams: MessageTap<Uint8Array>;
  /** The clock of the life that sends. */
  readonly clock: Clock;
  /** Which node has this address. */
  readonly nameOf: (host: string) => string;
}

/** A network on which whatever is sent passes a tap: datagrams, and what is written to streams. */
export function tappedNetwork(inner: Network, options: TappedNetworkOptions): Network {
  const { datagrams, clock, nameOf } = options;
  return {
    listen: (address, onConnection) =>
      inner.listen(address, (connection) => onConnection(tappedConnection(connection, options))),
    connect: async (address, connecting) => tappedConnection(await inner.connect(address, connecting), options),
    async openDatagram(address, onMessage) {
      const socket = await inner.openDatagram(address, onMessage);
      return {
        address: socket.address,
        send(bytes, to) {
          datagrams.send(bytes, nameOf(to.host), clock, (sent) => socket.send(sent, to));
        },
        close: () => socket.close(),
      };
    },
  };
}

interface Waiting {
  /** Undefined while it is held back. */
  act: (() => void) | undefined;
}

/** What is held back holds back all that comes after it. */
function tappedConnection(inner: Connection, { streams, clock, nameOf }: TappedNetworkOptions): Connection {
  const to = nameOf(inner.remote.host);
  const queue: Waiting[] = [];
  const flush = (): void => {
    for (let act = queue[0]?.act; act !== undefined; act = queue[0]?.act) {
      queue.shift();
      act();
    }
  };
  return {
    get local() {
      return inner.local;
    },
    get remote() {
      return inner.remote;
    },
    get bufferedBytes() {
      return inner.bufferedBytes;
    },
    handle: (handler) => inner.handle(handler),
    write(bytes) {
      const waiting: Waiting = { act: undefined };
      queue.push(waiting);
      let hasRoom = true;
      const isSent = streams.send(bytes, to, clock, (sent) => {
        waiting.act ??= () => (hasRoom = inner.write(sent));
        flush();
      });
      if (!isSent) waiting.act = () => undefined;
      flush();
      return hasRoom;
    },
    end() {
      queue.push({ act: () => inner.end() });
      flush();
    },
    destroy() {
      queue.length = 0;
      inner.destroy();
    },
  };
}

/** Turns one bit: damage that a checksum or a seal finds. */
export function turnBit(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  if (bytes.length === 0) return undefined;
  const turned = bytes.slice();
  const at = random.integer(0, bytes.length - 1);
  turned[at] = turned[at]! ^ (1 << random.integer(0, 7));
  return turned;
}
