import type { Clock, RandomSource, Timer } from "../../runtime/system.ts";
import { corrupted, drawDelay, drawRetransmission } from "./held-delay.ts";
import type { NetworkFaultKind } from "./network-fault.ts";
import type { DirectionFault } from "./struck-connection.ts";

/** Where one direction of a connection leads. Nothing of it is called after `close` or `reset`. */
export interface StreamSink {
  /** False asks to wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  end(): void;
  /** There is room again, after `push` gave false. */
  resume(): void;
  /** A fault closes the connection: what was written still arrives. */
  close(): void;
  /** The connection has lost bytes, and nothing that made sense could follow. */
  reset(): void;
}

export interface StreamShaperOptions {
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly random: RandomSource;
  readonly sink: StreamSink;
  /** Held back at the most, beyond one piece; then the sender has to wait. */
  readonly maxHeldBytes: number;
}

interface Piece {
  readonly kind: "data" | "end" | "close";
  readonly bytes: Uint8Array;
  readonly arrivedAt: number;
  dueAt: number;
}

const nothing: Uint8Array = new Uint8Array(0);
/** What is due within this time is due: timers are not finer. */
const grainMs = 0.5;
/** At a limited rate, bytes arrive so often. */
const burstMs = 50;
/** The least that is sent on at once at a limited rate: a slower one has longer pauses. */
const leastBurstBytes = 16;
const maxPieces = 16_384;

/**
 * One direction of a connection through a proxy: what is pushed comes out as the faults of the moment say, in order. When
 * they change, what is still held is treated as if it had only ever met the new ones.
 */
export class StreamShaper {
  readonly #options: StreamShaperOptions;
  #faults: readonly DirectionFault[] = [];
  #pieces: Piece[] = [];
  #heldBytes = 0;
  #lastDueAt = 0;
  #timer: Timer | undefined;
  #closeTimer: Timer | undefined;
  #canWrite = true;
  #isFull = false;
  /** An end is among the pieces or was sent on: what comes after goes nowhere. */
  #isEnding = false;
  /** Something was swallowed. */
  #hasHole = false;
  #isClosed = false;

  constructor(options: StreamShaperOptions) {
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes bytes, which must not be changed afterwards; false asks to wait for the sink's `resume`. */
  push(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#isEnding) return true;
    if (this.#faults.length === 0 && this.#pieces.length === 0 && this.#canWrite) {
      this.#canWrite = this.#options.sink.write(bytes);
      this.#isFull = !this.#canWrite;
      return this.#canWrite;
    }
    const hole = this.#find("blackHole");
    if (hole !== undefined) {
      this.#hasHole = true;
      hole.strike();
      return true;
    }
    const allowed = this.#limit(bytes);
    for (const part of this.#cut(allowed)) this.#hold("data", this.#damage(part));
    if (allowed.length < bytes.length || this.#isSpent()) {
      this.#isEnding = true;
      this.#hold("close", nothing);
    }
    this.#pump();
    return !this.#isFull;
  }

  /** The sender has ended. */
  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    const hole = this.#find("blackHole");
    if (hole !== undefined) {
      this.#hasHole = true;
      hole.strike();
      return;
    }
    this.#isEnding = true;
    this.#hold("end", nothing);
    this.#pump();
  }

  /** What was written has left. */
  drained(): void {
    this.#canWrite = true;
    this.#pump();
  }

  /** From now on these. */
  setFaults(faults: readonly DirectionFault[]): void {
    if (this.#isClosed) return;
    this.#faults = faults;
    const hole = this.#find("blackHole");
    this.#closeTimer?.cancel();
    if (hole === undefined && this.#hasHole) {
      this.#options.sink.reset();
      return;
    }
    if ((hole?.fault.values["closeAfterMs"] ?? 0) > 0) this.#closeIn(hole!);
    const half = this.#find("halfClose");
    if (half !== undefined && !this.#isEnding) {
      half.strike();
      this.#isEnding = true;
      this.#hold("end", nothing);
    }
    const now = this.#options.clock.now();
    for (const one of faults) one.busyUntil = now;
    this.#lastDueAt = 0;
    this.#pieces = this.#pieces.flatMap((piece) => this.#recut(piece));
    for (const piece of this.#pieces) piece.dueAt = this.#schedule(piece);
    this.#pump();
  }

  /** Drops what is held. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#closeTimer?.cancel();
    this.#pieces = [];
    this.#heldBytes = 0;
  }

  #find(kind: NetworkFaultKind): DirectionFault | undefined {
    return this.#faults.find(({ fault }) => fault.kind === kind);
  }

  #closeIn(hole: DirectionFault): void {
    this.#closeTimer = this.#options.clock.setTimer(hole.fault.values["closeAfterMs"]!, () => {
      hole.strike();
      this.#options.sink.close();
    });
  }

  /** As much as may still pass. */
  #limit(bytes: Uint8Array): Uint8Array {
    let allowed = bytes;
    for (const one of this.#faults) {
      if (one.fault.kind !== "limitData") continue;
      const left = one.fault.values["bytes"]! - one.passedBytes;
      if (left <= allowed.length) one.strike();
      if (left < allowed.length) allowed = allowed.subarray(0, left);
    }
    for (const one of this.#faults) one.passedBytes += allowed.length;
    return allowed;
  }

  #isSpent(): boolean {
    return this.#faults.some(
      ({ fault, passedBytes }) => fault.kind === "limitData" && passedBytes >= fault.values["bytes"]!,
    );
  }

  /** Small enough for the rate, and as the slicer says. */
  *#cut(bytes: Uint8Array): Iterable<Uint8Array> {
    let most = Infinity;
    for (const { fault } of this.#faults) {
      if (fault.kind !== "bandwidth") continue;
      most = Math.min(most, Math.max(leastBurstBytes, Math.ceil((fault.values["bytesPerSecond"]! * burstMs) / 1000)));
    }
    const slicer = this.#find("slicer");
    for (let from = 0; from < bytes.length;) {
      let size = most;
      if (slicer !== undefined) {
        const { averageBytes = 1, variationBytes = 0 } = slicer.fault.values;
        const drawn = averageBytes + (this.#options.random.next() * 2 - 1) * variationBytes;
        size = Math.min(size, Math.max(1, Math.round(drawn)));
      }
      yield bytes.subarray(from, from + size);
      from += size;
      if (slicer !== undefined && from < bytes.length) slicer.strike();
    }
  }

  #recut(piece: Piece): readonly Piece[] {
    if (piece.kind !== "data") return [piece];
    return [...this.#cut(piece.bytes)].map((bytes) => ({ ...piece, bytes }));
  }

  #damage(bytes: Uint8Array): Uint8Array {
    const { random } = this.#options;
    let damaged = bytes;
    for (const one of this.#faults) {
      if (one.fault.kind !== "corrupt" || random.next() >= one.fault.values["share"]!) continue;
      one.strike();
      damaged = corrupted(random, damaged);
    }
    return damaged;
  }

  #hold(kind: Piece["kind"], bytes: Uint8Array): void {
    const piece: Piece = { kind, bytes, arrivedAt: this.#options.clock.now(), dueAt: 0 };
    piece.dueAt = this.#schedule(piece);
    for (const one of this.#faults) if (isCut(one)) one.strike();
    this.#pieces.push(piece);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#options.maxHeldBytes || this.#pieces.length > maxPieces) this.#isFull = true;
  }

  #schedule({ kind, bytes, arrivedAt }: Piece): number {
    let at = arrivedAt;
    for (const one of this.#faults) {
      const before = at;
      const { values } = one.fault;
      switch (one.fault.kind) {
        case "slicer":
          at = Math.max(at, one.busyUntil);
          one.busyUntil = at + values["pauseMs"]!;
          // Counted where it cuts.
          continue;
        case "bandwidth":
          at = Math.max(at, one.busyUntil) + (bytes.length * 1000) / values["bytesPerSecond"]!;
          one.busyUntil = at;
          break;
        case "loss":
          at += drawRetransmission(this.#options.random, values["share"]!);
          break;
        case "delay":
          at += drawDelay(this.#options.random, one.fault);
          break;
        case "slowClose":
          if (kind === "end") at += values["delayMs"]!;
          break;
        default:
      }
      if (at > before && (kind === "data" || one.fault.kind === "slowClose")) one.strike();
    }
    this.#lastDueAt = Math.max(this.#lastDueAt, at);
    return this.#lastDueAt;
  }

  #pump(): void {
    this.#timer?.cancel();
    if (this.#faults.some(isCut)) return;
    const now = this.#options.clock.now();
    let sent = 0;
    while (this.#canWrite && sent < this.#pieces.length) {
      const piece = this.#pieces[sent]!;
      if (piece.dueAt > now + grainMs) break;
      sent++;
      this.#heldBytes -= piece.bytes.length;
      this.#send(piece);
      if (this.#isClosed) return;
    }
    this.#pieces.splice(0, sent);
    const next = this.#pieces[0];
    if (next !== undefined && this.#canWrite) {
      this.#timer = this.#options.clock.setTimer(next.dueAt - now, () => this.#pump());
    }
    if (!this.#isFull || !this.#canWrite) return;
    if (this.#heldBytes <= this.#options.maxHeldBytes / 2 && this.#pieces.length <= maxPieces / 2) {
      this.#isFull = false;
      this.#options.sink.resume();
    }
  }

  #send({ kind, bytes }: Piece): void {
    const { sink } = this.#options;
    if (kind === "data") this.#canWrite = sink.write(bytes);
    else if (kind === "end") sink.end();
    else sink.close();
  }
}

/** Bytes of a stream wait for as long as it lasts. */
function isCut({ fault: { kind } }: DirectionFault): boolean {
  return kind === "clog" || kind === "partition";
}
