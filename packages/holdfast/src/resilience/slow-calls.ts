/** A call under way, in the order of their beginnings. */
export interface RunningCall {
  readonly startedAt: number;
  /** It has been running for too long; it is no longer listed. */
  overdue(): void;
  previous: RunningCall | undefined;
  next: RunningCall | undefined;
  listed: boolean;
}

/**
 * The calls that have not been running for too long yet. Adding, removing and passing the overdue ones on cost the same
 * however many there are; an overdue call leaves, so one that never ends is not kept.
 */
export class RunningCalls {
  #oldest: RunningCall | undefined;
  #newest: RunningCall | undefined;

  add(call: RunningCall): void {
    call.listed = true;
    call.previous = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.next = call;
    this.#newest = call;
  }

  /** Does nothing for a call that is not listed. */
  remove(call: RunningCall): void {
    if (!call.listed) return;
    call.listed = false;
    if (call.previous === undefined) this.#oldest = call.next;
    else call.previous.next = call.next;
    if (call.next === undefined) this.#newest = call.previous;
    else call.next.previous = call.previous;
    call.previous = undefined;
    call.next = undefined;
  }

  /** Passes on those that began at `since` or before. */
  sweep(since: number): void {
    for (let call = this.#oldest; call !== undefined && call.startedAt <= since; call = this.#oldest) {
      this.remove(call);
      call.overdue();
    }
  }
}
