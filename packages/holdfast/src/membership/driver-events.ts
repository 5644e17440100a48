import type { MembershipEvent } from "./swim-effects.ts";

export type MembershipListener = (event: MembershipEvent) => void;

/** Tells everybody who listens, in the order of subscription. What a listener throws is its own affair, and counted. */
export class EventFeed {
  readonly #listeners = new Set<MembershipListener>();
  failures = 0;

  emit(event: MembershipEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.failures++;
      }
    }
  }

  /** Returns what takes the subscription back. */
  subscribe(listener: MembershipListener): () => void {
    // A function of its own for each subscription: the same listener may be given twice.
    const own: MembershipListener = (event) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }
}
