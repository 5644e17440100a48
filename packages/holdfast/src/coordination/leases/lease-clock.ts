import type { Clock } from "../../runtime/index.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import type { LeaseReader } from "./lease-table.ts";

export interface LeaseClockOptions {
  readonly clock: Clock;
  readonly tickMs: number;
  readonly leases: Pick<LeaseReader, "size" | "backlog">;
  /** The term that this member leads; undefined when it does not. */
  readonly leadingTerm: () => number | undefined;
  readonly propose: (command: Uint8Array) => void;
}

/** How many intervals one tick may count, at most. */
const mostIntervals = 2;

/**
 * The leader's part of the replicated clock: says how much time has passed, while there are leases.
 *
 * Time is only ever lost, never counted twice: a new leader counts from its own first tick, whatever its predecessor had
 * counted; a tick counts in its own term alone, so one that another leader gets to append is void; and one that comes
 * late, because this process stood still, counts no more than two intervals, because the requests to keep leases alive
 * may have stood still with it.
 */
export class LeaseClock {
  readonly #options: LeaseClockOptions;
  #term: number | undefined;
  #tickedAt = 0;

  constructor(options: LeaseClockOptions) {
    this.#options = options;
  }

  /** Called from time to time, at least every interval; proposes a tick when it is time for one. */
  tick(): void {
    const { clock, tickMs, leases } = this.#options;
    const term = leases.size === 0 ? undefined : this.#options.leadingTerm();
    if (term === undefined) {
      this.#term = undefined;
      return;
    }
    const now = clock.now();
    if (term !== this.#term) {
      this.#term = term;
      this.#tickedAt = now;
      this.#propose(term, 0);
      return;
    }
    const elapsedMs = Math.floor(now - this.#tickedAt);
    if (elapsedMs < tickMs && !leases.backlog) return;
    const countedMs = Math.min(elapsedMs, mostIntervals * tickMs);
    // The fraction of a millisecond is left for the next tick; what is above the bound is dropped.
    this.#tickedAt = countedMs < elapsedMs ? now : this.#tickedAt + elapsedMs;
    this.#propose(term, countedMs);
  }

  #propose(term: number, elapsedMs: number): void {
    this.#options.propose(encodeCommand({ operation: { type: "clockTick", request: { term, elapsedMs } } }));
  }
}
