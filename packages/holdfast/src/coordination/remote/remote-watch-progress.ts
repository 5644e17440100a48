import type { WatchEvent, WatchResponse } from "../watches/watch.ts";

/** How far a watch has got, so that it can go on elsewhere without losing or repeating an event. */
export class WatchProgress {
  /** The first revision not told of, or told of in part; 0 until it is known. */
  #next: number;
  /** The first that it tells of. */
  #start: number;
  /** Everything up to here has been told. */
  #told = 0;
  /** Events of the revision `#next` that were told in fragments. */
  #partial = 0;
  /** Of those, how many a resumed watch is still to tell again. */
  #repeated = 0;

  constructor(startRevision: number) {
    this.#start = startRevision;
    this.#next = startRevision;
  }

  get startRevision(): number {
    return this.#start;
  }

  /** A member has begun to tell. */
  begin(startRevision: number): void {
    if (this.#start === 0) this.#start = startRevision;
    if (this.#next === 0) this.#next = startRevision;
  }

  /** The revision to go on from. */
  resume(): number {
    this.#repeated = this.#partial;
    return this.#next;
  }

  /** What of a response is new; undefined when all of it was told before. */
  take(response: WatchResponse): WatchResponse | undefined {
    const { header, fragment, progress } = response;
    if (progress === true) return this.#takeProgress(response);
    const events = this.#repeated > 0 ? this.#skip(response.events) : response.events;
    if (fragment === true) {
      this.#next = header.revision;
      this.#partial += events.length;
    } else {
      this.#next = header.revision + 1;
      this.#told = header.revision;
      this.#partial = 0;
      this.#repeated = 0;
    }
    if (events === response.events) return response;
    return events.length === 0 && fragment === true ? undefined : { ...response, events };
  }

  /** A member that is behind the one before cannot know how much was told already. */
  #takeProgress(response: WatchResponse): WatchResponse {
    const revision = Math.max(response.header.revision, this.#told);
    this.#told = revision;
    this.#next = Math.max(this.#next, revision + 1);
    return { ...response, header: { ...response.header, revision } };
  }

  #skip(events: readonly WatchEvent[]): readonly WatchEvent[] {
    const skipped = Math.min(this.#repeated, events.length);
    this.#repeated -= skipped;
    return events.slice(skipped);
  }
}
