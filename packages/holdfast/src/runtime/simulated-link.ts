import { disturbedLink, type LinkFaults } from "./faults.ts";
import type { Random } from "./runtime.ts";

/** How much longer a datagram takes that is held back for others to overtake it, in typical latencies. */
const reorderFactor = 8;

/** One direction between two machines. Its draws are its own: traffic elsewhere does not shift them. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly random: Random;
  /** How it behaves now, with all that disturbs it. */
  faults: LinkFaults;
  #own: LinkFaults;
  #disturbances: readonly Partial<LinkFaults>[] = [];
  /** Nothing passes. */
  blocked = false;
  /** Nothing passes until then, and then all of it. */
  cloggedUntil = 0;
  /** Datagrams sent, and the latest of them that has arrived: an earlier one arriving now was overtaken. */
  sentDatagrams = 0;
  latestArrived = 0;

  constructor(from: string, to: string, random: Random, faults: LinkFaults) {
    this.from = from;
    this.to = to;
    this.random = random;
    this.faults = this.#own = faults;
  }

  change(faults: Partial<LinkFaults>): void {
    this.#own = { ...this.#own, ...faults };
    this.disturb(this.#disturbances);
  }

  /** Sets what comes on top of its own behaviour. */
  disturb(disturbances: readonly Partial<LinkFaults>[]): void {
    this.#disturbances = disturbances;
    this.faults = disturbances.length === 0 ? this.#own : disturbedLink(this.#own, disturbances);
  }

  /** Draws how long a message takes. */
  drawLatency(): number {
    const { latencyMs, jitterMs } = this.faults;
    return jitterMs === 0 ? latencyMs : latencyMs - jitterMs * Math.log(1 - this.random.next());
  }

  drawReorderDelay(): number {
    return (1 + this.random.next()) * reorderFactor * (this.faults.latencyMs + this.faults.jitterMs);
  }

  /** Whether something of the given chance happens; draws only when it can. */
  happens(chance: number): boolean {
    return chance > 0 && this.random.next() < chance;
  }
}
