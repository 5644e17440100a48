import type { Address, Clock, Connection, Listener, Network, Random, Timer } from "../runtime/index.ts";
import { FrameDecoder } from "../wire/index.ts";
import type { NodeId } from "./entry.ts";
import { decodeMessage } from "./message-codec.ts";
import { PeerLink } from "./peer-link.ts";
import type { PeerHandler, PeerMessage, PeerTransport } from "./peer-message.ts";
import { decodeHello, encodeWelcome, maxPeerFrameBytes } from "./peer-protocol.ts";

export interface TcpTransportOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly clusterId: bigint;
  readonly id: NodeId;
  /** Where this node listens for its peers. */
  readonly listen: Address;
  readonly peers: ReadonlyMap<NodeId, Address>;
  /** A peer turned us away, or sent what it must not: told once a connection. */
  readonly onRefused?: (peer: NodeId | undefined, reason: string) => void;
}

/** Well below the silence after which a caller gives a connection up. */
const stillHereMs = 500;
/** How long a caller may take to say who it is, and one that was refused to go. */
const strangerMs = 2_000;
/** More than any hello takes. */
const maxHelloBytes = 256;

/**
 * Peers over framed TCP: each node dials every other and sends on the connections it dialled, receiving on those it
 * accepted. What a broken connection held is lost, which Raft repairs.
 */
export function tcpTransport(options: TcpTransportOptions): PeerTransport {
  const { id, clusterId, clock, network } = options;
  const links = new Map<NodeId, PeerLink>();
  const accepted = new Set<Connection>();
  let listener: Listener | undefined;

  function accept(connection: Connection, handler: PeerHandler): void {
    let from: NodeId | undefined;
    let stillHere: Timer | undefined;
    const frames = new FrameDecoder({ maxBytes: maxPeerFrameBytes });
    let patience = clock.setTimer(strangerMs, () => refuse(undefined, `it said nothing for ${strangerMs} ms`));
    accepted.add(connection);

    /** Lets the caller know within a moment that its messages arrive. */
    function answerSoon(): void {
      stillHere ??= clock.setTimer(stillHereMs, () => {
        stillHere = undefined;
        if (accepted.has(connection)) connection.write(encodeWelcome(""));
      });
    }

    function onFrame(payload: Uint8Array): void {
      if (!accepted.has(connection)) return;
      try {
        if (from === undefined) welcome(payload);
        else handler.onMessage(decodeMessage(payload, from, id));
      } catch (error) {
        refuse(from, (error as Error).message);
      }
    }

    function welcome(payload: Uint8Array): void {
      const hello = decodeHello(payload);
      const reason =
        hello.clusterId !== clusterId
          ? `this is cluster ${clusterId.toString(16)}, not ${hello.clusterId.toString(16)}`
          : hello.to !== id
            ? `this is member ${id.toString(16)}, not ${hello.to.toString(16)}`
            : options.peers.has(hello.from)
              ? ""
              : `member ${hello.from.toString(16)} is not in this cluster`;
      connection.write(encodeWelcome(reason));
      if (reason !== "") {
        refuse(hello.from, reason);
        return;
      }
      from = hello.from;
      patience.cancel();
    }

    function refuse(peer: NodeId | undefined, reason: string): void {
      if (!accepted.delete(connection)) return;
      options.onRefused?.(peer, reason);
      connection.end();
      patience.cancel();
      patience = clock.setTimer(strangerMs, () => connection.destroy());
    }

    connection.handle({
      onData(bytes) {
        if (!accepted.has(connection)) return;
        try {
          frames.push(bytes, onFrame);
          if (from !== undefined) answerSoon();
          else if (frames.pendingBytes > maxHelloBytes) throw new Error(`its hello is above ${maxHelloBytes} bytes`);
        } catch (error) {
          refuse(from, (error as Error).message);
        }
      },
      onClose() {
        stillHere?.cancel();
        patience.cancel();
        accepted.delete(connection);
      },
    });
  }

  return {
    async start(handler: PeerHandler): Promise<void> {
      listener = await network.listen(options.listen, (connection) => accept(connection, handler));
      for (const [peer, address] of options.peers) {
        if (peer === id) continue;
        const link = new PeerLink({ ...options, peer, address, onLost: () => handler.onUnreachable(peer) });
        links.set(peer, link);
        link.open();
      }
    },
    send(message: PeerMessage): void {
      links.get(message.to)?.send(message);
    },
    async close(): Promise<void> {
      for (const link of links.values()) link.close();
      links.clear();
      for (const connection of accepted) connection.destroy();
      accepted.clear();
      await listener?.close();
    },
  };
}
