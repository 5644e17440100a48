import type { Operation } from "../history.ts";

/** Stands in a state for every value that nobody is known to have taken: a number that no value has. */
export const untaken: number = -1;

/**
 * What the recorded dequeues of a queue or a bag say about what else happened. Values that nobody is known to have taken
 * are all the same to everybody; those that somebody is known to have taken are not what a dequeue of unknown outcome
 * took. And in a queue, if `a` was taken before the operation that took `b` began, `a` went in before `b`: a queue that
 * holds `b` when `a` goes in leads nowhere. Without it a search learns only at the dequeue, long after, which of two
 * enqueues at the same time came first.
 */
export class TakeForesight {
  /** By value: how often it went in and was taken, and when the operation that took it began and returned. */
  readonly #takenFrom = new Map<number, number>();
  readonly #takenUntil = new Map<number, number>();
  readonly #entered = new Map<number, number>();
  readonly #takes = new Map<number, number>();
  #unknownDequeues = 0;

  noteEnqueue(value: number): void {
    this.#entered.set(value, (this.#entered.get(value) ?? 0) + 1);
  }

  noteDequeue({ callNs, returnNs }: Operation, value: number): void {
    this.#takes.set(value, (this.#takes.get(value) ?? 0) + 1);
    this.#takenFrom.set(value, callNs);
    this.#takenUntil.set(value, returnNs);
  }

  noteUnknownDequeue(): void {
    this.#unknownDequeues++;
  }

  /** What stands for a value in a state. */
  itemFor(value: number): number {
    return this.#takes.has(value) ? value : untaken;
  }

  /** Whether every one of this value that went in is known to have been taken. */
  isTakenUp(value: number): boolean {
    return (this.#takes.get(value) ?? 0) >= (this.#entered.get(value) ?? 0);
  }

  /** Not before this was the value taken; infinity when it never was. */
  earliestTake(value: number): number {
    const takenFrom = this.#takenFrom.get(value);
    if (takenFrom === undefined)
      return this.#unknownDequeues === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    return this.#entered.get(value) === 1 ? takenFrom : Number.NEGATIVE_INFINITY;
  }

  /** At this the value had been taken; infinity when that is not known. */
  latestTake(value: number): number {
    if (this.#entered.get(value) !== 1) return Number.POSITIVE_INFINITY;
    return this.#takenUntil.get(value) ?? Number.POSITIVE_INFINITY;
  }
}
