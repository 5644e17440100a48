import { eventRooms } from "holdfast/telemetry";
import type { EventEntry } from "./event-log.ts";

/** What a reader wants to see; empty texts let everything pass. */
export interface EventFilter {
  /** A type, `room:NAME`, or `trouble`. */
  readonly what: string;
  readonly node: string;
  readonly text: string;
}

export const noFilter: EventFilter = { what: "", node: "", text: "" };

export function filterEvents(entries: readonly EventEntry[], filter: EventFilter): readonly EventEntry[] {
  const { what, node } = filter;
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (what === "" && node === "" && words.length === 0) return entries;
  const fits = whatFits(what);
  return entries.filter(
    (entry) =>
      fits(entry) &&
      (node === "" || entry.event.nodeId === node) &&
      words.every((word) => entry.searched.includes(word)),
  );
}

function whatFits(what: string): (entry: EventEntry) => boolean {
  if (what === "") return () => true;
  if (what === "trouble") return ({ tone }) => tone === "bad" || tone === "warn";
  if (!what.startsWith("room:")) return ({ event }) => event.type === what;
  const room = what.slice("room:".length);
  return ({ event }) => eventRooms[event.type] === room;
}
