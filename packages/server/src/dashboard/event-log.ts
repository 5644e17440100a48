import { randomBytes } from "node:crypto";
import type { IdentifiedEvent, TelemetryEvent } from "holdfast/telemetry";

/** An entry as clients get it, as JSON: events are written once and read by every stream. */
export type LogEntry =
  | { readonly kind: "event"; readonly json: string }
  | { readonly kind: "lost"; readonly json: string };

/** What there is after a position. */
export interface LogPart {
  readonly entries: readonly LogEntry[];
  /** Of the last of them. */
  readonly position: number;
  /** Entries that were dropped here before they could be given. */
  readonly dropped: number;
}

export interface EventLogBounds {
  /** Default 10 000. */
  readonly maxEntries: number;
  /** Of all entries together, in characters of JSON. Default 16 Mi. */
  readonly maxChars: number;
  /** Of one event: a longer one counts as lost. Default 64 Ki. */
  readonly maxEventChars: number;
}

const defaultBounds: EventLogBounds = { maxEntries: 10_000, maxChars: 16 * 1024 * 1024, maxEventChars: 64 * 1024 };

/** The latest events of all members in the order in which they came to be known here. */
export class EventLog {
  /** Positions start again with each run. */
  readonly run: string = randomBytes(4).toString("hex");
  readonly #bounds: EventLogBounds;
  readonly #ring: LogEntry[] = [];
  #first = 0;
  #last = 0;
  #chars = 0;

  constructor(bounds: Partial<EventLogBounds> = {}) {
    this.#bounds = { ...defaultBounds, ...bounds };
  }

  /** Of the newest entry; 0 before there was any. */
  get last(): number {
    return this.#last;
  }

  /** How many have been dropped here, from the first one on. */
  get dropped(): number {
    return this.#first;
  }

  add(events: readonly IdentifiedEvent[]): void {
    for (const event of events) {
      const json = JSON.stringify(event);
      if (json.length > this.#bounds.maxEventChars) this.addLost(event.event.nodeId, 1);
      else this.#push({ kind: "event", json });
    }
  }

  addLost(nodeId: string, count: number | null): void {
    this.#push({ kind: "lost", json: JSON.stringify({ type: "lost", nodeId, count }) });
  }

  /** At most so many entries, and no more than so many characters, unless one alone has more. */
  after(position: number, limit: number, maxChars: number = Infinity): LogPart {
    const from = Math.max(position, this.#first);
    const most = Math.min(this.#last, from + limit);
    const entries: LogEntry[] = [];
    let chars = 0;
    for (let at = from; at < most; at++) {
      const entry = this.#ring[at % this.#bounds.maxEntries]!;
      chars += entry.json.length;
      if (chars > maxChars && entries.length > 0) break;
      entries.push(entry);
    }
    return { entries, position: from + entries.length, dropped: Math.max(0, this.#first - position) };
  }

  #push(entry: LogEntry): void {
    const { maxEntries, maxChars } = this.#bounds;
    if (this.#last - this.#first === maxEntries) this.#drop();
    this.#ring[this.#last % maxEntries] = entry;
    this.#last++;
    this.#chars += entry.json.length;
    while (this.#chars > maxChars && this.#last - this.#first > 1) this.#drop();
  }

  #drop(): void {
    const at = this.#first % this.#bounds.maxEntries;
    this.#chars -= this.#ring[at]!.json.length;
    this.#ring[at] = gone;
    this.#first++;
  }
}

/** Stands where an entry was, so that it holds on to nothing. */
const gone: LogEntry = { kind: "lost", json: "" };

/** Events whose ids tell node and run apart. */
export function identified(nodeId: string, run: string, events: readonly TelemetryEvent[]): IdentifiedEvent[] {
  return events.map((event) => ({ id: `${nodeId}:${run}-${event.seq}`, event }));
}
