import type { ResponseHeader, WatchEvent, WatchResponse } from "../../coordination/index.ts";
import { packEvents, revisionOf } from "./watch-packing.ts";

export interface WatchProgressOptions {
  readonly startRevision: number;
  readonly maxBytes: number;
  readonly fragment: boolean;
}

/** What one message of the stream brings. */
export interface ArrivedEvents {
  readonly header: ResponseHeader;
  readonly events: readonly WatchEvent[];
  /** The rest comes with the next message. */
  readonly fragment: boolean;
}

/**
 * How far a watch has told, and so where to go on when its stream breaks: at the first revision that has not been told in
 * full, without those of its events that have been.
 */
export class WatchProgress {
  readonly #options: WatchProgressOptions;
  #from: number;
  /** Events of revision `from` that have been told. */
  #told = 0;
  /** Of those, how many come once more on the present stream. */
  #repeated = 0;
  /** The last event of a fragment: whether its revision goes on is known with the next. */
  #held: WatchEvent | undefined;

  constructor(options: WatchProgressOptions) {
    this.#options = options;
    this.#from = options.startRevision;
  }

  /** Where a new stream has to start. */
  resume(): number {
    this.#repeated = this.#told;
    this.#held = undefined;
    return this.#from;
  }

  /** Everything up to this revision has been told, because there was nothing to tell. */
  reached(revision: number): void {
    if (revision < this.#from) return;
    this.#from = revision + 1;
    this.#told = 0;
    this.#repeated = 0;
  }

  /** The responses to hand out. */
  take({ header, events, fragment }: ArrivedEvents): WatchResponse[] {
    const fresh = events.filter((event) => this.#isFresh(event));
    const waiting = this.#held === undefined ? fresh : [this.#held, ...fresh];
    this.#held = fragment ? waiting.pop() : undefined;
    const responses = packEvents(waiting, { ...this.#options, header });
    const last = responses.at(-1);
    if (last === undefined) return responses;
    const { revision } = last.header;
    const goesOn = this.#held !== undefined && revisionOf(this.#held) === revision;
    if (goesOn) responses[responses.length - 1] = { ...last, fragment: true };
    this.#advance(waiting, revision, goesOn);
    return responses;
  }

  #advance(told: readonly WatchEvent[], revision: number, goesOn: boolean): void {
    if (!goesOn) {
      this.#from = revision + 1;
      this.#told = 0;
      return;
    }
    const before = this.#from === revision ? this.#told : 0;
    this.#from = revision;
    this.#told = before + told.filter((event) => revisionOf(event) === revision).length;
  }

  #isFresh(event: WatchEvent): boolean {
    const revision = revisionOf(event);
    if (revision !== this.#from) return revision > this.#from;
    if (this.#repeated === 0) return true;
    this.#repeated--;
    return false;
  }
}
