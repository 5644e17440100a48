import type { Clock, RandomSource, Timer } from "../../runtime/system.ts";
import { corrupted, drawDelay } from "./held-delay.ts";
import type { DirectionFault } from "./struck-connection.ts";

export interface DatagramShaperOptions {
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly random: RandomSource;
  /** Sends one on. */
  readonly send: (bytes: Uint8Array) => void;
  /** Held back at the most; beyond that datagrams are dropped, as a full queue drops them. */
  readonly maxHeldBytes: number;
}

interface Held {
  readonly bytes: Uint8Array;
  readonly arrivedAt: number;
  /** What was drawn for it alone. */
  readonly extraMs: number;
  dueAt: number;
}

const grainMs = 0.5;
const maxHeld = 16_384;

/** One direction of a flow of datagrams through a proxy. */
export class DatagramShaper {
  readonly #options: DatagramShaperOptions;
  #faults: readonly DirectionFault[] = [];
  /** By the time at which they are due. */
  #held: Held[] = [];
  #heldBytes = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: DatagramShaperOptions) {
    this.#options = options;
  }

  push(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#faults.length === 0 && this.#held.length === 0) {
      this.#options.send(bytes);
      return;
    }
    const { random, clock } = this.#options;
    let sent = bytes;
    let extraMs = 0;
    const copies: number[] = [];
    for (const one of this.#faults) {
      const { kind, values } = one.fault;
      const share = values["share"] ?? 1;
      if (kind === "delay" || kind === "bandwidth" || (share < 1 && random.next() >= share)) continue;
      if (share === 0) continue;
      one.strike();
      if (kind === "loss" || kind === "blackHole" || kind === "partition") return;
      if (kind === "corrupt") sent = corrupted(random, sent);
      if (kind === "reordering") extraMs += random.next() * values["withinMs"]!;
      if (kind === "duplication") copies.push(random.next() * values["withinMs"]!);
    }
    const arrivedAt = clock.now();
    for (const laterMs of [0, ...copies]) this.#hold({ bytes: sent, arrivedAt, extraMs: extraMs + laterMs, dueAt: 0 });
    this.#pump();
  }

  /** From now on these; what is held is sent when they say. */
  setFaults(faults: readonly DirectionFault[]): void {
    if (this.#isClosed) return;
    this.#faults = faults;
    const now = this.#options.clock.now();
    for (const one of faults) one.busyUntil = now;
    for (const one of this.#held) one.dueAt = faults.length === 0 ? now : this.#schedule(one);
    this.#held.sort((one, other) => one.dueAt - other.dueAt);
    this.#pump();
  }

  /** Drops what is held. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#held = [];
    this.#heldBytes = 0;
  }

  #hold(one: Held): void {
    if (this.#heldBytes + one.bytes.length > this.#options.maxHeldBytes || this.#held.length >= maxHeld) return;
    one.dueAt = this.#schedule(one);
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.dueAt > one.dueAt) at--;
    this.#held.splice(at, 0, one);
    this.#heldBytes += one.bytes.length;
  }

  #schedule({ bytes, arrivedAt, extraMs }: Held): number {
    let at = arrivedAt;
    for (const one of this.#faults) {
      const { kind, values } = one.fault;
      if (kind === "bandwidth") {
        at = Math.max(at, one.busyUntil) + (bytes.length * 1000) / values["bytesPerSecond"]!;
        one.busyUntil = at;
      } else if (kind === "delay") at += drawDelay(this.#options.random, one.fault);
      else continue;
      if (at > arrivedAt) one.strike();
    }
    return at + extraMs;
  }

  #pump(): void {
    this.#timer?.cancel();
    if (this.#faults.some(({ fault }) => fault.kind === "clog")) return;
    const now = this.#options.clock.now();
    const next = this.#held.findIndex((one) => one.dueAt > now + grainMs);
    const due = this.#held.splice(0, next < 0 ? this.#held.length : next);
    for (const { bytes } of due) {
      this.#heldBytes -= bytes.length;
      this.#options.send(bytes);
    }
    const [first] = this.#held;
    if (first !== undefined) this.#timer = this.#options.clock.setTimer(first.dueAt - now, () => this.#pump());
  }
}
