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

/** The latest events of all members in the order in which they came to be known here. */
export class EventLog {
  /** Positions start again with each run. */
  readonly run: string = randomBytes(4).toString("hex");
  readonly #capacity: number;
  readonly #ring: LogEntry[] = [];
  #last = 0;

  constructor(capacity: number = 10_000) {
    this.#capacity = capacity;
  }

  /** Of the newest entry; 0 before there was any. */
  get last(): number {
    return this.#last;
  }

  add(events: readonly IdentifiedEvent[]): void {
    for (const event of events) this.#push({ kind: "event", json: JSON.stringify(event) });
  }

  addLost(nodeId: string, count: number | null): void {
    this.#push({ kind: "lost", json: JSON.stringify({ type: "lost", nodeId, count }) });
  }

  after(position: number, limit: number): LogPart {
    const first = this.#last - this.#ring.length;
    const from = Math.max(position, first);
    const to = Math.min(this.#last, from + limit);
    const entries: LogEntry[] = [];
    for (let at = from; at < to; at++) entries.push(this.#ring[at % this.#capacity]!);
    return { entries, position: to, dropped: Math.max(0, first - position) };
  }

  #push(entry: LogEntry): void {
    this.#ring[this.#last % this.#capacity] = entry;
    this.#last++;
  }
}

/** Events whose ids tell node and run apart. */
export function identified(nodeId: string, run: string, events: readonly TelemetryEvent[]): IdentifiedEvent[] {
  return events.map((event) => ({ id: `${nodeId}:${run}-${event.seq}`, event }));
}
