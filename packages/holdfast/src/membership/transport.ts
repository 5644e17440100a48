import type { Address, Clock, Connection, DatagramSocket, Listener, Network } from "../runtime/index.ts";
import type { Message } from "./message.ts";
import type { PacketCodec } from "./packet.ts";
import type { Packet, StreamReply, StreamRequest } from "./swim-effects.ts";
import { exchange } from "./transport-stream.ts";
import type { TransportMetrics } from "./transport-metrics.ts";

/** What the transport tells. Never called from inside a call of its own. */
export interface TransportHandler {
  onPacket(from: Address, messages: readonly Message[]): void;
  /** Somebody opened a stream and waits: call `reply`, or `release`. */
  onRequest(connection: number, messages: readonly Message[]): void;
  onAnswer(exchange: number, messages: readonly Message[]): void;
  onFailed(exchange: number): void;
}

export interface TransportOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly codec: PacketCodec;
  readonly metrics: TransportMetrics;
  /** Datagrams and streams share the port; 0 chooses one. */
  readonly listen: Address;
  /** How long an accepted stream may take. */
  readonly streamTimeoutMs: number;
  readonly maxStreamBytes: number;
  readonly handler: TransportHandler;
}

/** Packets in datagrams, and requests with one answer in streams, on one port. */
export interface Transport {
  readonly address: Address;
  send(packet: Packet): void;
  /** Ends in exactly one `onAnswer` or `onFailed`, unless the transport is closed. */
  request(request: StreamRequest): void;
  reply(reply: StreamReply): void;
  /** Closes a stream that gets no answer; one that has had its answer is left alone. */
  release(connection: number): void;
  close(): Promise<void>;
}

/** Datagrams above this are not ours, whatever packet size members are set to. */
const maxDatagramBytes = 8192;
/** Streams at once in each direction; members need far fewer, and strangers get no more. */
const maxStreams = 64;
/** A port that is free for streams may be taken for datagrams: so often another is tried. */
const portAttempts = 16;

/** @throws the platform's error when the port cannot be had */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  const { network, clock, codec, metrics, handler, streamTimeoutMs, maxStreamBytes } = options;
  const accepted = new Map<number, (answer: readonly Message[] | undefined) => void>();
  const open = new Set<Connection>();
  /** Accepted streams that are still open, answered or not. */
  let callers = 0;
  let connections = 0;
  let requests = 0;
  let isClosed = false;
  /** Cuts short the requests that are still connecting. */
  const closing = new AbortController();

  function onDatagram(bytes: Uint8Array, from: Address): void {
    if (isClosed) return;
    metrics.packetsReceived++;
    metrics.bytesReceived += bytes.length;
    if (bytes.length > maxDatagramBytes) {
      metrics.dropped.oversized++;
      return;
    }
    const messages = codec.decode(bytes, "datagram");
    if (messages !== undefined && messages.length > 0) handler.onPacket(from, messages);
  }

  function track(connection: Connection): () => void {
    open.add(connection);
    return () => open.delete(connection);
  }

  function accept(connection: Connection): void {
    if (isClosed || callers === maxStreams) {
      metrics.streamsRefused++;
      connection.handle({ onData: () => undefined, onClose: () => undefined });
      connection.destroy();
      return;
    }
    metrics.streamsAccepted++;
    callers++;
    const id = ++connections;
    const untrack = track(connection);
    const stream = exchange({
      connection,
      clock,
      codec,
      metrics,
      maxStreamBytes,
      timeoutMs: streamTimeoutMs,
      onMessages: (messages) => handler.onRequest(id, messages),
      onClose() {
        callers--;
        accepted.delete(id);
        untrack();
      },
    });
    accepted.set(id, (answer) => {
      if (answer !== undefined) stream.write(answer);
      stream.end();
    });
  }

  async function request({ to, exchange: id, messages, timeoutMs }: StreamRequest): Promise<void> {
    const startedAt = clock.now();
    let isSettled = false;
    const settle = (answer: readonly Message[] | undefined): void => {
      if (isSettled) return;
      isSettled = true;
      requests--;
      if (answer === undefined) metrics.streamsFailed++;
      if (isClosed) return;
      if (answer === undefined) handler.onFailed(id);
      else handler.onAnswer(id, answer);
    };
    metrics.streamsOpened++;
    requests++;
    try {
      const connection = await network.connect(to, { timeoutMs, signal: closing.signal });
      const untrack = track(connection);
      const stream = exchange({
        connection,
        clock,
        codec,
        metrics,
        maxStreamBytes,
        timeoutMs: Math.max(0, timeoutMs - (clock.now() - startedAt)),
        onMessages(answer) {
          stream.end();
          settle(answer);
        },
        onClose() {
          untrack();
          settle(undefined);
        },
      });
      if (isClosed) connection.destroy();
      else stream.write(messages);
    } catch {
      // No route, nobody there, no time: all the same to whoever asked.
      settle(undefined);
    }
  }

  const { listener, socket } = await bind(network, options.listen, accept, onDatagram);

  return {
    address: { host: options.listen.host, port: listener.address.port },
    send({ to, messages }) {
      if (isClosed) return;
      const bytes = codec.encode(messages);
      metrics.packetsSent++;
      metrics.bytesSent += bytes.length;
      socket.send(bytes, to);
    },
    request(asked) {
      if (isClosed) return;
      if (requests < maxStreams) {
        void request(asked);
        return;
      }
      metrics.streamsFailed++;
      // Not at once: that would look like a refusal by the other side, which was not asked.
      clock.setTimer(asked.timeoutMs, () => {
        if (!isClosed) handler.onFailed(asked.exchange);
      });
    },
    reply({ connection, messages }) {
      const answer = accepted.get(connection);
      accepted.delete(connection);
      answer?.(messages);
    },
    release(connection) {
      const answer = accepted.get(connection);
      accepted.delete(connection);
      answer?.(undefined);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      closing.abort(new Error("the transport was closed"));
      for (const connection of open) connection.destroy();
      await Promise.all([listener.close(), socket.close()]);
    },
  };
}

interface Bound {
  readonly listener: Listener;
  readonly socket: DatagramSocket;
}

/** Takes one port for both. */
async function bind(
  network: Network,
  address: Address,
  onConnection: (connection: Connection) => void,
  onMessage: (bytes: Uint8Array, from: Address) => void,
): Promise<Bound> {
  for (let attempt = 1; ; attempt++) {
    const listener = await network.listen(address, onConnection);
    try {
      const { port } = listener.address;
      return { listener, socket: await network.openDatagram({ host: address.host, port }, onMessage) };
    } catch (error) {
      await listener.close();
      const isTaken = (error as { readonly code?: unknown }).code === "EADDRINUSE";
      if (address.port !== 0 || !isTaken || attempt === portAttempts) throw error;
    }
  }
}
