import type { Address, Clock, Connection, Network, Random, Timer } from "../runtime/index.ts";
import { beginFrame, ByteWriter, endFrame, FrameDecoder } from "../wire/index.ts";
import type { NodeId } from "./entry.ts";
import { encodeMessage } from "./message-codec.ts";
import type { PeerMessage } from "./peer-message.ts";
import { decodeWelcome, encodeHello } from "./peer-protocol.ts";

export interface PeerLinkOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly clusterId: bigint;
  readonly id: NodeId;
  readonly peer: NodeId;
  /** Where this node can be called back. */
  readonly self: Address;
  /** Where to dial at the given attempt; undefined when that is not known. */
  readonly address: (attempt: number) => Address | undefined;
  readonly onRefused?: (peer: NodeId, reason: string) => void;
  /** The connection broke, or was replaced: what was sent may be lost. */
  readonly onLost: () => void;
  /** It lets us know that it is there; with its welcome, whether it will do so again and again. */
  readonly onHeard: (beats?: boolean) => void;
}

/** What may wait to leave before messages are dropped. */
const maxBufferedBytes = 32 * 1024 * 1024;
const connectTimeoutMs = 1_000;
/** A connection that answers nothing for this long is dead, whatever TCP still hopes for. */
const silenceMs = 2_000;
const minRedialMs = 20;
const maxRedialMs = 500;

/** The sending side of one peer: dials, dials again with growing delays, and sends one write a turn. */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #writer = new ByteWriter(16 * 1024);
  #connection: Connection | undefined;
  #welcome = false;
  #takesNotes = false;
  /** When the last message left. */
  #saidAt = Number.NEGATIVE_INFINITY;
  /** When the first message left that nothing has been heard after. */
  #unheardSince: number | undefined;
  #flushing = false;
  #redial: Timer | undefined;
  #impatience: Timer | undefined;
  #redialMs = minRedialMs;
  /** Grows with every dial that led nowhere, so that another address gets its turn. */
  #attempt = 0;
  #closed = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
  }

  open(): void {
    void this.#dial();
  }

  get saidAt(): number {
    return this.#saidAt;
  }

  /** Sends, or drops when there is no connection or too much waits already. */
  send(message: PeerMessage): void {
    const connection = this.#connection;
    if (!this.#welcome || connection === undefined) return;
    const now = this.#options.clock.now();
    this.#unheardSince ??= now;
    if (now - this.#unheardSince > silenceMs || connection.bufferedBytes + this.#writer.length > maxBufferedBytes) {
      // The peer does not answer or does not read: dial anew rather than leave a hole in what it will read.
      connection.destroy();
      return;
    }
    this.#saidAt = now;
    const start = beginFrame(this.#writer);
    encodeMessage(this.#writer, this.#takesNotes ? message : withoutNotes(message));
    endFrame(this.#writer, start);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  close(): void {
    this.#closed = true;
    this.#redial?.cancel();
    this.#impatience?.cancel();
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#connection !== undefined && this.#writer.length > 0) this.#connection.write(this.#writer.toBytes());
    this.#writer.clear();
  }

  async #dial(): Promise<void> {
    const { clock, network, self, clusterId, id, peer } = this.#options;
    const address = this.#options.address(this.#attempt++);
    let connection: Connection;
    try {
      if (address === undefined) throw new Error("the peer's address is not known");
      connection = await network.connect(address, { timeoutMs: connectTimeoutMs });
    } catch {
      this.#dialLater();
      return;
    }
    if (this.#closed) {
      connection.destroy();
      return;
    }
    this.#connection = connection;
    this.#welcome = false;
    this.#unheardSince = undefined;
    const frames = new FrameDecoder({ maxBytes: 4096 });
    connection.handle({
      onData: (bytes) => {
        try {
          frames.push(bytes, (payload) => this.#onFrame(payload));
        } catch {
          connection.destroy();
        }
      },
      onClose: () => this.#onClose(connection),
    });
    connection.write(encodeHello({ clusterId, from: id, to: peer, address: self }));
    // The peer may have gone between taking the connection and reading it.
    this.#impatience = clock.setTimer(silenceMs, () => {
      if (!this.#welcome) connection.destroy();
    });
  }

  #onFrame(payload: Uint8Array): void {
    if (this.#welcome) {
      // An answer: what was sent arrives. A beat comes as well where nothing does.
      if (payload.length > 0) this.#unheardSince = undefined;
      return this.#options.onHeard();
    }
    const { refusal, takesNotes, beats } = decodeWelcome(payload);
    this.#options.onHeard(refusal === "" && beats);
    if (refusal !== "") {
      this.#options.onRefused?.(this.#options.peer, refusal);
      this.#redialMs = maxRedialMs;
      return;
    }
    this.#welcome = true;
    this.#takesNotes = takesNotes;
    this.#attempt--;
    this.#redialMs = minRedialMs;
  }

  #onClose(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#impatience?.cancel();
    this.#connection = undefined;
    this.#writer.clear();
    if (this.#welcome) this.#options.onLost();
    this.#welcome = false;
    this.#dialLater();
  }

  #dialLater(): void {
    if (this.#closed) return;
    const { clock, random } = this.#options;
    this.#redial = clock.setTimer(this.#redialMs * (0.5 + random.next() / 2), () => void this.#dial());
    this.#redialMs = Math.min(this.#redialMs * 2, maxRedialMs);
  }
}

function withoutNotes(message: PeerMessage): PeerMessage {
  if (message.type !== "propose" || message.notes === undefined) return message;
  const { notes: _, ...plain } = message;
  return plain;
}
