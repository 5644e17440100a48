import type { IdentifiedEvent } from "holdfast/telemetry";
import { describeEvent, type EventTone } from "./describe-event.ts";

/** An event as the page keeps it. */
export interface EventEntry extends IdentifiedEvent {
  readonly summary: string;
  readonly tone: EventTone;
  /** What a search for text looks through, in lower case. */
  readonly searched: string;
}

/** The events that the page has, oldest first, and what it knows to be missing. */
export interface EventLog {
  readonly entries: readonly EventEntry[];
  /** How many older ones gave way. */
  readonly dropped: number;
  /** By node, what nobody has any more; null: nobody knows how many. */
  readonly lost: ReadonlyMap<string, number | null>;
}

const maxEvents = 10_000;
const maxLostNodes = 1_000;

export const emptyLog: EventLog = { entries: [], dropped: 0, lost: new Map() };

/** Puts new events where their time is; those that are there already are left out. */
export function withEvents(log: EventLog, events: readonly IdentifiedEvent[], max: number = maxEvents): EventLog {
  const known = idsAmong(log.entries, events);
  const added: EventEntry[] = [];
  for (const { id, event } of events.slice(-max)) {
    if (known.has(id)) continue;
    known.add(id);
    const { summary, tone } = describeEvent(event);
    const searched = `${event.type} ${event.nodeId} ${summary}`.toLowerCase();
    added.push({ id, event, summary, tone, searched });
  }
  if (added.length === 0) return log;
  added.sort((a, b) => a.event.at - b.event.at);
  const entries = merged(log.entries, added);
  const over = Math.max(0, entries.length - max);
  return { ...log, entries: over > 0 ? entries.slice(over) : entries, dropped: log.dropped + over };
}

export function withLost(log: EventLog, nodeId: string, count: number | null): EventLog {
  const before = log.lost.get(nodeId);
  if (before === undefined && log.lost.size >= maxLostNodes) return log;
  const lost = new Map(log.lost);
  lost.set(nodeId, count === null || before === null ? null : (before ?? 0) + count);
  return { ...log, lost };
}

/** The ids of a batch that the log may have: only a stream that was resumed repeats any. */
function idsAmong(entries: readonly EventEntry[], events: readonly IdentifiedEvent[]): Set<string> {
  let earliest = Infinity;
  for (const { event } of events) earliest = Math.min(earliest, event.at);
  const ids = new Set<string>();
  for (let at = entries.length - 1; at >= 0; at--) {
    const entry = entries[at];
    if (entry === undefined || entry.event.at < earliest) break;
    ids.add(entry.id);
  }
  return ids;
}

function merged(older: readonly EventEntry[], newer: readonly EventEntry[]): EventEntry[] {
  const lastAt = older.at(-1)?.event.at ?? -Infinity;
  if ((newer[0]?.event.at ?? Infinity) >= lastAt) return [...older, ...newer];
  const all: EventEntry[] = [];
  let at = 0;
  for (const entry of newer) {
    for (let next = older[at]; next !== undefined && next.event.at <= entry.event.at; next = older[++at])
      all.push(next);
    all.push(entry);
  }
  for (; at < older.length; at++) all.push(older[at] as EventEntry);
  return all;
}
