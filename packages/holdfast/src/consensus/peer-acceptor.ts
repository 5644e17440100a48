import type { Clock, Connection, Timer } from "../runtime/index.ts";
import { FrameDecoder } from "../wire/index.ts";
import type { NodeId } from "./entry.ts";
import { decodeMessage } from "./message-codec.ts";
import type { PeerMessage } from "./peer-message.ts";
import { beatFrame, decodeHello, encodeWelcome, maxPeerFrameBytes, type Hello } from "./peer-protocol.ts";

export interface PeerAcceptorOptions {
  readonly clock: Clock;
  readonly id: NodeId;
  /** Why a caller is turned away; empty when it is welcome. */
  readonly greet: (hello: Hello) => string;
  readonly onMessage: (message: PeerMessage) => void;
  /** A peer that was welcome has gone. */
  readonly onGone: (peer: NodeId) => void;
  readonly onRefused: ((peer: NodeId | undefined, reason: string) => void) | undefined;
  /** Whether callers are told that commands may come with notes. */
  readonly takesNotes: boolean;
  /** How often callers are told that this node is there, when they have heard nothing else of it; 0 for never. */
  readonly beatMs: number;
  /** When this peer was last said something on the other way, the one that this node has opened to it. */
  readonly saidAt: (peer: NodeId) => number;
}

/** Well below the silence after which a caller gives a connection up. */
const stillHereMs = 500;
/** How long a caller may take to say who it is, and one that was refused to go. */
const strangerMs = 2_000;
/** More than any hello takes. */
const maxHelloBytes = 512;
/** Of beats: to whom more is waiting does not read. */
const maxWaitingBytes = 4_096;

/** The receiving side of all peers: hears who calls, turns strangers away, and reads what the others send. */
export class PeerAcceptor {
  readonly #options: PeerAcceptorOptions;
  /** Who is at the other end, 0 until it has said so. */
  readonly #accepted = new Map<Connection, NodeId>();

  constructor(options: PeerAcceptorOptions) {
    this.#options = options;
  }

  accept(connection: Connection): void {
    const { clock, id, greet, onMessage, onGone, onRefused, takesNotes, beatMs, saidAt } = this.#options;
    const accepted = this.#accepted;
    let from: NodeId | undefined;
    let stillHere: Timer | undefined;
    let nextBeat: Timer | undefined;
    const frames = new FrameDecoder({ maxBytes: maxPeerFrameBytes });
    let patience = clock.setTimer(strangerMs, () => refuse(undefined, `it said nothing for ${strangerMs} ms`));
    accepted.set(connection, 0);

    /** Lets the caller know within a moment that its messages arrive. */
    function answerSoon(): void {
      stillHere ??= clock.setTimer(stillHereMs, () => {
        stillHere = undefined;
        if (accepted.has(connection)) connection.write(encodeWelcome({ refusal: "", takesNotes: false, beats: false }));
      });
    }

    function beatSoon(peer: NodeId): void {
      nextBeat = clock.setTimer(beatMs, () => {
        const isQuiet = clock.now() - saidAt(peer) >= beatMs;
        if (isQuiet && connection.bufferedBytes < maxWaitingBytes) connection.write(beatFrame);
        beatSoon(peer);
      });
    }

    function onFrame(payload: Uint8Array): void {
      if (!accepted.has(connection)) return;
      try {
        if (from === undefined) welcome(payload);
        else onMessage(decodeMessage(payload, from, id));
      } catch (error) {
        refuse(from, (error as Error).message);
      }
    }

    function welcome(payload: Uint8Array): void {
      const hello = decodeHello(payload);
      const reason = greet(hello);
      const isWelcome = reason === "";
      const known = { takesNotes: takesNotes && isWelcome, beats: beatMs > 0 && isWelcome };
      connection.write(encodeWelcome({ refusal: reason, ...known }));
      if (!isWelcome) {
        refuse(hello.from, reason);
        return;
      }
      from = hello.from;
      accepted.set(connection, from);
      patience.cancel();
      if (beatMs > 0) beatSoon(from);
    }

    function refuse(peer: NodeId | undefined, reason: string): void {
      if (!accepted.delete(connection)) return;
      nextBeat?.cancel();
      onRefused?.(peer, reason);
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
        nextBeat?.cancel();
        patience.cancel();
        accepted.delete(connection);
        if (from !== undefined) onGone(from);
      },
    });
  }

  /** How many peers that `isGuest` is true of are connected. */
  count(isGuest: (peer: NodeId) => boolean): number {
    return new Set([...this.#accepted.values()].filter((peer) => peer !== 0 && isGuest(peer))).size;
  }

  /** Ends what this peer has opened. */
  drop(peer: NodeId): void {
    for (const [connection, from] of this.#accepted) if (from === peer) connection.destroy();
  }

  close(): void {
    for (const connection of this.#accepted.keys()) connection.destroy();
    this.#accepted.clear();
  }
}
