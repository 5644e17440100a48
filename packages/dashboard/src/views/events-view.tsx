import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { eventRooms } from "holdfast/telemetry";
import { EventTimeline } from "../charts/event-timeline.tsx";
import type { EventEntry, EventLog } from "../model/event-log.ts";
import { faultRegions } from "../model/fault-regions.ts";
import { filterEvents, noFilter, type EventFilter } from "../model/filter-events.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Icon } from "../parts/icon.tsx";
import { countText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { EventDetail } from "./event-detail.tsx";
import { EventList } from "./event-list.tsx";
import { eventsPaused } from "./events-paused.ts";

const spans = [
  { label: "Everything", ms: 0 },
  { label: "Last minute", ms: 60_000 },
  { label: "Last 5 minutes", ms: 300_000 },
  { label: "Last 30 minutes", ms: 1_800_000 },
] as const;

const rooms: readonly string[] = Array.from(new Set(Object.values(eventRooms)));

/** What happened, in a picture and in words. Paused, the list stands still while the page goes on collecting. */
export function EventsPage(): JSX.Element {
  const page = usePage();
  const filter = useSignal<EventFilter>(noFilter);
  const spanMs = useSignal(0);
  const isRelative = useSignal(false);
  const selected = useSignal<EventEntry | null>(null);
  const frozen = useSignal<EventLog | null>(null);
  const isPaused = eventsPaused.value;
  useSignalEffect(() => {
    frozen.value = eventsPaused.value ? page.log.peek() : null;
  });

  const log = useComputed(() => frozen.value ?? page.log.value);
  const shown = useComputed(() => {
    const all = filterEvents(log.value.entries, filter.value);
    if (spanMs.value === 0) return all;
    const from = (log.value.entries.at(-1)?.event.at ?? 0) - spanMs.value;
    return all.slice(firstFrom(all, from));
  });
  const regions = useComputed(() => faultRegions(log.value, page.faults.value));
  const entries = shown.value;
  const [fromMs, toMs] = extentOf(entries, spanMs.value);
  const missed = isPaused ? newSince(page.log.value, log.value) : 0;

  return (
    <div class="stack">
      <EventFilters filter={filter} log={log.value} />
      <div class="tools">
        <button
          type="button"
          class={isPaused ? "primary" : ""}
          aria-pressed={isPaused}
          onClick={() => (eventsPaused.value = !isPaused)}
        >
          <Icon name={isPaused ? "play" : "pause"} /> {isPaused ? "Go live" : "Pause"}
        </button>
        <span class="muted">{isPaused ? `Paused; ${countText(missed)} new` : "Live"}</span>
        <label>
          Span{" "}
          <select value={spanMs.value} onChange={(event) => (spanMs.value = Number(event.currentTarget.value))}>
            {spans.map(({ label, ms }) => (
              <option key={ms} value={ms}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isRelative.value}
            onChange={(event) => (isRelative.value = event.currentTarget.checked)}
          />{" "}
          Relative times
        </label>
        <span class="muted" id="event-count">
          {countText(entries.length)} of {countText(log.value.entries.length)} events
          {log.value.dropped > 0 && `; ${countText(log.value.dropped)} older ones gave way`}
        </span>
      </div>
      <LostEvents log={log.value} />
      <EventTimeline
        entries={entries}
        regions={regions.value}
        fromMs={fromMs}
        toMs={toMs}
        label={`Timeline of ${entries.length} events; the list below has them in words`}
        onPick={(atMs) => {
          eventsPaused.value = true;
          selected.value = entries[Math.min(entries.length - 1, firstFrom(entries, atMs))] ?? null;
        }}
      />
      <div class={selected.value === null ? "split" : "split open"}>
        {entries.length === 0 ? (
          <Empty>{log.value.entries.length === 0 ? "No event yet." : "No event fits the filters."}</Empty>
        ) : (
          <EventList entries={entries} selected={selected} isRelative={isRelative.value} />
        )}
        {selected.value !== null && (
          <Card
            title="Event"
            tools={
              <button type="button" onClick={() => (selected.value = null)}>
                Close
              </button>
            }
          >
            <EventDetail entry={selected.value} />
          </Card>
        )}
      </div>
    </div>
  );
}

function EventFilters({
  filter,
  log,
}: {
  readonly filter: { value: EventFilter };
  readonly log: EventLog;
}): JSX.Element {
  const set = (change: Partial<EventFilter>): void => {
    filter.value = { ...filter.value, ...change };
  };
  const { types, nodes } = namesIn(log);
  return (
    <div class="tools" role="search" aria-label="Events">
      <label>
        Search{" "}
        <input
          type="search"
          class="find"
          value={filter.value.text}
          placeholder="words of an event"
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
      <label>
        What{" "}
        <select value={filter.value.what} onChange={(event) => set({ what: event.currentTarget.value })}>
          <option value="">everything</option>
          <option value="trouble">trouble only</option>
          <optgroup label="Of a room">
            {rooms.map((room) => (
              <option key={room} value={`room:${room}`}>
                {room}
              </option>
            ))}
          </optgroup>
          <optgroup label="Of a type">
            {types.map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      <label>
        Node{" "}
        <select value={filter.value.node} onChange={(event) => set({ node: event.currentTarget.value })}>
          <option value="">all</option>
          {nodes.map((node) => (
            <option key={node} value={node}>
              {node}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function LostEvents({ log }: { readonly log: EventLog }): JSX.Element | null {
  if (log.lost.size === 0) return null;
  const words = Array.from(
    log.lost,
    // Of which node they were is not always known either.
    ([node, count]) =>
      `${count === null ? "an unknown number" : countText(count)} of ${node === "" ? "some node" : node}`,
  );
  return (
    <p class="note warn">
      <Icon name="warn" /> Some events are lost for good: {words.slice(0, 8).join(", ")}
      {words.length > 8 && ` and of ${words.length - 8} more nodes`}.
    </p>
  );
}

const byName = new Intl.Collator("en", { numeric: true });
const maxListed = 500;
const known = new WeakMap<
  readonly EventEntry[],
  { readonly types: readonly string[]; readonly nodes: readonly string[] }
>();

/** The types and nodes of a log, found once for each. */
function namesIn({ entries }: EventLog): { readonly types: readonly string[]; readonly nodes: readonly string[] } {
  const found = known.get(entries);
  if (found !== undefined) return found;
  const [types, nodes] = [new Set<string>(), new Set<string>()];
  for (const { event } of entries) {
    types.add(event.type);
    nodes.add(event.nodeId);
  }
  const inOrder = (names: ReadonlySet<string>): string[] =>
    Array.from(names)
      .sort((a, b) => byName.compare(a, b))
      .slice(0, maxListed);
  const names = { types: inOrder(types), nodes: inOrder(nodes) };
  known.set(entries, names);
  return names;
}

/** The index of the first entry at or after a moment. */
function firstFrom(entries: readonly EventEntry[], atMs: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.event.at ?? 0) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function extentOf(entries: readonly EventEntry[], spanMs: number): readonly [number, number] {
  const last = entries.at(-1)?.event.at ?? 0;
  const first = spanMs === 0 ? (entries[0]?.event.at ?? 0) : last - spanMs;
  return [first, Math.max(last, first + 1_000)];
}

function newSince(now: EventLog, then: EventLog): number {
  return now.entries.length + now.dropped - then.entries.length - then.dropped;
}
