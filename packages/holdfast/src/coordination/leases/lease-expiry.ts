import type { LeaseId } from "../key-value/key-value.ts";
import { OrderedIndex } from "../key-value/ordered-index.ts";

/** One granted lease. */
export class Lease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Orders leases of one deadline: the order in which they were granted. */
  readonly sequence: number;
  /** On the clock of the leases; infinite until the first tick after the grant. Never moves back. */
  deadlineMs: number;
  /** Undefined for none. */
  keys: Set<string> | undefined = undefined;
  /** Where the queue holds it; empty when it does not. The deadline may have moved on since. */
  place = "";

  constructor(id: LeaseId, ttlSeconds: number, sequence: number, deadlineMs: number) {
    this.id = id;
    this.ttlSeconds = ttlSeconds;
    this.sequence = sequence;
    this.deadlineMs = deadlineMs;
  }
}

/**
 * Leases in the order in which they run out, in logarithmic time.
 *
 * A deadline that moves on leaves its lease where it is: it finds its new place when it comes to the front, so that keeping
 * a lease alive costs nothing here. The order in which leases leave is that of their deadlines all the same, because
 * no place is ever behind the deadline.
 */
export class LeaseExpiry {
  readonly #queue = new OrderedIndex<Lease>(() => 0);

  /** Does nothing for a lease that is there. */
  add(lease: Lease): void {
    if (lease.place === "") this.#put(lease);
  }

  remove(lease: Lease): void {
    if (lease.place !== "") this.#queue.remove(lease.place);
    lease.place = "";
  }

  /** Takes out the lease that ran out first, if one has by `clockMs`. */
  take(clockMs: number): Lease | undefined {
    for (;;) {
      const first = this.#first();
      if (first === undefined || first.place >= placeOf(clockMs + 1, 0)) return undefined;
      const moved = first.place !== placeOf(first.deadlineMs, first.sequence);
      this.remove(first);
      if (!moved) return first;
      this.#put(first);
    }
  }

  #first(): Lease | undefined {
    let first: Lease | undefined;
    this.#queue.ascend("", undefined, (lease) => {
      first = lease;
      return false;
    });
    return first;
  }

  #put(lease: Lease): void {
    lease.place = placeOf(lease.deadlineMs, lease.sequence);
    this.#queue.set(lease.place, lease);
  }
}

/** Compares as the two numbers do, which are safe integers. */
function placeOf(deadlineMs: number, sequence: number): string {
  return String(deadlineMs).padStart(16, "0") + String(sequence).padStart(16, "0");
}
