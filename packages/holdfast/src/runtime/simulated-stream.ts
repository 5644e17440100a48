import { platformError } from "./platform-error.ts";
import type { Address, Connection, ConnectionHandler } from "./runtime.ts";
import type { Link } from "./simulated-link.ts";
import type { EventOwner, SimulationEngine, SimulationEvent } from "./simulation-engine.ts";

/** What the ends of streams need of the network they run over. */
export interface StreamMedium {
  readonly engine: SimulationEngine;
  /** How long a stream tries to get bytes through before it breaks with ETIMEDOUT. */
  readonly streamTimeoutMs: number;
  /** Whether something sent over the link now would arrive: nothing cuts it and the machine at its end is on. */
  canPass(link: Link): boolean;
  /** Keeps an end informed of links that open, until `forget`. */
  remember(end: StreamEnd): void;
  forget(end: StreamEnd): void;
}

/** Bytes underway, the end of the stream, or a reset. */
interface Segment {
  readonly kind: "data" | "end" | "reset";
  readonly bytes: Uint8Array;
  readonly sentAt: number;
  /** Infinity when it was lost until the link gets better. */
  arriveAt: number;
}

/** A segment that the other side has not confirmed as far as this side knows. */
interface Unconfirmed {
  readonly size: number;
  readonly sentAt: number;
  /** When the confirmation arrives; undefined before delivery, Infinity while nothing passes back. */
  confirmedAt: number | undefined;
}

/** Where `write` starts to return false, as in Node. */
const highWaterBytes = 64 * 1024;
/** What the kernels of both ends hold of one direction. */
const windowBytes = 256 * 1024;
const segmentBytes = 64 * 1024;
/** The first wait before lost bytes are sent again; doubles, as in TCP (RFC 6298, section 5). */
const retransmitMs = 200;

const nothing: Uint8Array = new Uint8Array(0);

/**
 * One end of a stream, with the direction that leads away from it.
 *
 * What is written in one turn leaves as one segment. Segments arrive in order; over a cut link they wait, as TCP would
 * send them again, until the link opens or the stream's timeout passes.
 */
export class StreamEnd implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly owner: EventOwner;
  peer!: StreamEnd;
  readonly #medium: StreamMedium;
  readonly #engine: SimulationEngine;
  readonly #out: Link;
  readonly #back: Link;

  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  #leaving = false;
  #wantsDrain = false;
  #underway: Segment[] = [];
  #arrival: SimulationEvent | undefined;
  #stalled = false;
  #unconfirmed: Unconfirmed[] = [];
  #unconfirmedBytes = 0;
  #confirmation: SimulationEvent | undefined;
  #timeout: SimulationEvent | undefined;

  #handler: ConnectionHandler | undefined;
  #inbox: Uint8Array[] = [];
  #ending = false;
  #endSent = false;
  #remoteEnded = false;
  /** Nothing more is written or received; `onClose` has been called or is on its way. */
  #closed = false;
  #closing: { readonly error: Error | undefined } | undefined;

  constructor(medium: StreamMedium, owner: EventOwner, local: Address, remote: Address, out: Link, back: Link) {
    this.#medium = medium;
    this.#engine = medium.engine;
    this.owner = owner;
    this.local = local;
    this.remote = remote;
    this.#out = out;
    this.#back = back;
    medium.remember(this);
  }

  get bufferedBytes(): number {
    return this.#queuedBytes;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  handle(handler: ConnectionHandler): void {
    if (this.#handler !== undefined) throw new Error("handle must be called once a connection");
    this.#handler = handler;
    if (this.#inbox.length > 0 || this.#closing !== undefined) this.#wake("stream-waiting");
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending || !this.owner.alive) return false;
    if (bytes.length > 0) {
      this.#queued.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#leaveAfterTurn();
    }
    if (this.#queuedBytes < highWaterBytes) return true;
    this.#wantsDrain = true;
    return false;
  }

  end(): void {
    if (this.#closed || this.#ending || !this.owner.alive) return;
    this.#ending = true;
    this.#leaveAfterTurn();
  }

  destroy(): void {
    if (this.#closed || !this.owner.alive) return;
    this.#inbox = [];
    this.#close(undefined);
    if (!this.#endSent) this.#transmit("end", nothing);
  }

  /** The machine's process ended: the machine tells the other side. */
  reset(): void {
    if (this.#closed) return;
    this.#close(undefined);
    this.#transmit("reset", nothing);
  }

  /** The machine is off: nothing more leaves it. */
  vanish(): void {
    this.#close(undefined);
    this.#clear();
  }

  /** The stream broke: whoever holds this end learns it now. */
  break(code: "ECONNRESET" | "ETIMEDOUT", fault: string): void {
    this.#clear();
    if (this.#closed) return;
    this.#engine.fault(fault, this.local.host);
    this.#close(platformError(code, "read", `${this.remote.host}:${this.remote.port}`));
  }

  /** The reader at the other side ended: what it would have got, its machine answers with a reset. */
  readerGone(): void {
    this.#engine.cancel(this.#arrival);
    this.#arrival = undefined;
    this.#moveOn();
  }

  /** A link of this stream passes again what it held back. */
  linkOpened(link: Link): void {
    if (link === this.#out && this.#stalled) {
      this.#stalled = false;
      const again = this.#engine.now + link.drawLatency() + link.random.next() * retransmitMs;
      for (const segment of this.#underway) {
        if (segment.arriveAt === Infinity || segment.arriveAt < again) segment.arriveAt = again;
      }
      this.#moveOn();
    }
    if (link === this.#back) {
      for (const one of this.#unconfirmed) {
        if (one.confirmedAt === Infinity) one.confirmedAt = this.#engine.now + link.faults.latencyMs;
      }
      this.#awaitConfirmation();
    }
    if (!this.#stalled && this.#unconfirmed[0]?.confirmedAt !== Infinity) {
      this.#engine.cancel(this.#timeout);
      this.#timeout = undefined;
    }
  }

  #leaveAfterTurn(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    queueMicrotask(() => {
      this.#leaving = false;
      if (!this.#closed && this.owner.alive) this.#leave();
    });
  }

  /** Hands what is queued to the machine, as far as its window goes. */
  #leave(): void {
    this.#settleConfirmed();
    while (this.#queuedBytes > 0 && this.#unconfirmedBytes < windowBytes) {
      const room = Math.min(segmentBytes, windowBytes - this.#unconfirmedBytes, this.#queuedBytes);
      this.#transmit("data", this.#dequeue(room));
    }
    if (this.#queuedBytes > 0) {
      this.#awaitConfirmation();
      return;
    }
    if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.#engine.schedule(this.#engine.now, "stream-drain", this.local.host, this.owner, () => {
        if (!this.#closed) this.#handler?.onDrain?.();
      });
    }
    if (this.#ending && !this.#endSent) this.#transmit("end", nothing);
    if (this.#remoteEnded && this.#endSent) this.#close(undefined);
  }

  /** A copy of the next bytes: the reader owns what it gets, and the writer's array may go to others too. */
  #dequeue(byteLength: number): Uint8Array {
    const bytes = new Uint8Array(byteLength);
    let filled = 0;
    let taken = 0;
    while (filled < byteLength) {
      const part = this.#queued[taken] as Uint8Array;
      const room = byteLength - filled;
      if (part.length <= room) {
        bytes.set(part, filled);
        filled += part.length;
        taken++;
      } else {
        bytes.set(part.subarray(0, room), filled);
        this.#queued[taken] = part.subarray(room);
        filled = byteLength;
      }
    }
    this.#queued.splice(0, taken);
    this.#queuedBytes -= byteLength;
    return bytes;
  }

  #transmit(kind: Segment["kind"], bytes: Uint8Array): void {
    if (kind === "end") this.#endSent = true;
    this.#medium.remember(this);
    const now = this.#engine.now;
    this.#underway.push({ kind, bytes, sentAt: now, arriveAt: now + this.#drawTransit() });
    this.#unconfirmed.push({ size: bytes.length, sentAt: now, confirmedAt: undefined });
    this.#unconfirmedBytes += bytes.length;
    this.#moveOn();
  }

  #drawTransit(): number {
    const link = this.#out;
    let transit = link.drawLatency();
    for (let wait = retransmitMs; link.happens(link.faults.loss); wait *= 2) {
      this.#engine.fault("stream-retransmitted", link.from);
      transit += wait;
      if (transit > this.#medium.streamTimeoutMs) return Infinity;
    }
    return transit;
  }

  /** Schedules the arrival of the first segment underway; the others follow it, whatever they drew. */
  #moveOn(): void {
    const first = this.#underway[0];
    if (first === undefined) {
      if (this.#closed) this.#medium.forget(this);
      return;
    }
    if (this.#arrival !== undefined || this.#stalled) return;
    if (first.arriveAt === Infinity || !this.#medium.canPass(this.#out)) {
      this.#stall();
      return;
    }
    const at = Math.max(first.arriveAt, this.#out.cloggedUntil);
    this.#arrival = this.#engine.schedule(at, "stream", this.#out.to, undefined, this.#arrive, first.bytes.length);
  }

  #stall(): void {
    this.#stalled = true;
    this.#engine.fault("stream-blocked", this.#out.from);
    this.#armTimeout();
  }

  #armTimeout(): void {
    const oldest = this.#unconfirmed[0];
    if (this.#timeout !== undefined || oldest === undefined) return;
    const at = oldest.sentAt + this.#medium.streamTimeoutMs;
    this.#timeout = this.#engine.schedule(at, "stream-timeout", this.local.host, undefined, () => {
      this.#timeout = undefined;
      this.#settleConfirmed();
      const now = this.#engine.now;
      const still = this.#unconfirmed[0];
      if (still === undefined) return;
      if (now >= still.sentAt + this.#medium.streamTimeoutMs) this.break("ETIMEDOUT", "connection-timeout");
      else this.#armTimeout();
    });
  }

  readonly #arrive = (): void => {
    this.#arrival = undefined;
    const peer = this.peer;
    const first = this.#underway[0];
    if (first === undefined) return;
    if (!this.#medium.canPass(this.#out)) {
      this.#stall();
      return;
    }
    if (this.#out.cloggedUntil > this.#engine.now) {
      this.#moveOn();
      return;
    }
    if (peer.owner.alive && peer.owner.paused) {
      const { to } = this.#out;
      this.#arrival = this.#engine.hold(peer.owner, "stream", to, this.#arrive, first.bytes.length);
      return;
    }
    this.#underway.shift();
    this.#confirm();
    if (peer.#closed) {
      // A machine answers what nobody waits for with a reset.
      if (first.kind !== "reset" && !this.#closed) peer.#transmit("reset", nothing);
    } else if (first.kind === "data") peer.#receive(first.bytes);
    else if (first.kind === "end") peer.#receiveEnd();
    else peer.break("ECONNRESET", "connection-reset");
    this.#moveOn();
  };

  /** The first segment without a confirmation was delivered; the confirmation goes back. */
  #confirm(): void {
    this.#settleConfirmed();
    const delivered = this.#unconfirmed.find((one) => one.confirmedAt === undefined);
    if (delivered === undefined || this.#closed) return;
    if (this.#medium.canPass(this.#back)) {
      delivered.confirmedAt = this.#engine.now + this.#back.faults.latencyMs;
      this.#awaitConfirmation();
    } else {
      delivered.confirmedAt = Infinity;
      this.#armTimeout();
    }
  }

  #settleConfirmed(): void {
    const now = this.#engine.now;
    let count = 0;
    for (const one of this.#unconfirmed) {
      if (one.confirmedAt === undefined || one.confirmedAt > now) break;
      this.#unconfirmedBytes -= one.size;
      count++;
    }
    if (count > 0) this.#unconfirmed.splice(0, count);
  }

  /** Confirmations cost an event only when queued bytes wait for room. */
  #awaitConfirmation(): void {
    const at = this.#unconfirmed[0]?.confirmedAt;
    if (this.#queuedBytes === 0 || this.#confirmation !== undefined || at === undefined || at === Infinity) return;
    this.#confirmation = this.#engine.schedule(at, "stream-confirmed", this.local.host, this.owner, () => {
      this.#confirmation = undefined;
      if (!this.#closed) this.#leave();
    });
  }

  #receive(bytes: Uint8Array): void {
    const handler = this.#handler;
    if (handler === undefined || this.#inbox.length > 0) {
      this.#inbox.push(bytes);
      return;
    }
    const link = this.peer.#out;
    if (bytes.length < 2 || !link.happens(link.faults.split)) {
      this.#engine.guard(this.owner, () => handler.onData(bytes));
      return;
    }
    const cut = link.random.integer(1, bytes.length - 1);
    this.#engine.guard(this.owner, () => handler.onData(bytes.slice(0, cut)));
    if (!this.#closed && this.owner.alive) this.#engine.guard(this.owner, () => handler.onData(bytes.slice(cut)));
  }

  #receiveEnd(): void {
    this.#remoteEnded = true;
    this.#ending = true;
    this.#leave();
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#engine.cancel(this.#confirmation);
    this.#closing = { error };
    if (this.#underway.length === 0) this.#medium.forget(this);
    this.#wake("stream-close");
  }

  /** Gives the owner, in an event of its own, what it has not been told. */
  #wake(kind: string): void {
    this.#engine.schedule(this.#engine.now, kind, this.local.host, this.owner, () => {
      const handler = this.#handler;
      if (handler === undefined) return;
      for (let bytes = this.#inbox.shift(); bytes !== undefined; bytes = this.#inbox.shift()) handler.onData(bytes);
      const closing = this.#closing;
      this.#closing = undefined;
      if (closing !== undefined) handler.onClose(closing.error);
    });
  }

  #clear(): void {
    for (const event of [this.#arrival, this.#timeout, this.#confirmation]) this.#engine.cancel(event);
    this.#arrival = undefined;
    this.#timeout = undefined;
    this.#confirmation = undefined;
    this.#stalled = false;
    this.#underway = [];
    this.#unconfirmed = [];
    this.#unconfirmedBytes = 0;
    this.#medium.forget(this);
  }
}
