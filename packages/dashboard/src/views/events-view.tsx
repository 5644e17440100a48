import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { returnFocusTo } from "../browser/focus-keeper.ts";
import { route, setQuery } from "../browser/route.ts";
import { EventTimeline } from "../charts/event-timeline.tsx";
import type { EventEntry, EventLog } from "../model/event-log.ts";
import { faultRegions } from "../model/fault-regions.ts";
import { filterEvents } from "../model/filter-events.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Icon } from "../parts/icon.tsx";
import { countText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { EventDetail } from "./event-detail.tsx";
import { eventFilter, EventFilters } from "./event-filters.tsx";
import { EventList } from "./event-list.tsx";

const spans = [
  { label: "Everything", value: "" },
  { label: "Last minute", value: "60" },
  { label: "Last 5 minutes", value: "300" },
  { label: "Last 30 minutes", value: "1800" },
] as const;

/** What happened, in a picture and in words. Paused, the list stands still while the page goes on collecting. */
export function EventsPage(): JSX.Element {
  const page = usePage();
  const isPaused = page.paused.value !== null;
  // Whoever only read has gone on by leaving.
  useEffect(
    () => () => {
      if (page.paused.peek()?.by === "reading") page.goOn();
    },
    [page],
  );

  const { query } = route.value;
  const { what = "", node = "", q = "", span = "", event: opened = "" } = query;
  const spanMs = useComputed(() => spanOf(route.value.query["span"]));
  const shown = useComputed(() => {
    const log = page.log.value;
    const all = filterEvents(log.entries, eventFilter(route.value.query));
    if (spanMs.value === 0) return all;
    return all.slice(firstFrom(all, (log.entries.at(-1)?.event.at ?? 0) - spanMs.value));
  });
  const regions = useComputed(() => faultRegions(page.log.value, page.faults.value));
  const selected = useComputed(() => {
    const { event: id = "" } = route.value.query;
    return id === "" ? null : (page.log.value.entries.findLast((entry) => entry.id === id) ?? null);
  });
  const log = page.log.value;
  const entries = shown.value;
  const [fromMs, toMs] = extentOf(entries, spanMs.value);
  const isFiltered = what !== "" || node !== "" || q !== "" || span !== "";

  /** The first that is opened is a step that the way back undoes; the next ones take its place. */
  function select(entry: EventEntry | null): void {
    setQuery({ event: entry?.id ?? "" }, opened === "" ? "push" : "replace");
  }

  return (
    <div class="stack">
      <EventFilters log={log} />
      <div class="tools">
        <span class="muted events-state">{isPaused ? `Paused; ${countText(page.missed.value)} new` : "Live"}</span>
        <label>
          Span{" "}
          <select value={span} onChange={(event) => setQuery({ span: event.currentTarget.value })}>
            {spans.map(({ label, value }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <Check name="relative" label="Relative times" />
        <Check name="collapse" label="Collapse idle" />
        <span class="muted" id="event-count">
          {countText(entries.length)} of {countText(log.entries.length)} events
          {log.dropped > 0 && `; ${countText(log.dropped)} older ones gave way`}
        </span>
      </div>
      <LostEvents log={log} />
      <EventTimeline
        entries={entries}
        regions={regions.value}
        fromMs={fromMs}
        toMs={toMs}
        isCollapsed={query["collapse"] === "1"}
        label={`Timeline of ${entries.length} events; the list below has them in words`}
        onPick={(atMs) => {
          page.pause("reading");
          select(entries[Math.min(entries.length - 1, firstFrom(entries, atMs))] ?? null);
        }}
      />
      <div class={opened === "" ? "split" : "split open"}>
        {entries.length === 0 ? (
          <Empty>
            {isFiltered && log.entries.length > 0 ? (
              <>
                No event fits the filters.{" "}
                <button type="button" onClick={() => setQuery({ what: "", node: "", q: "", span: "" })}>
                  Show all
                </button>
              </>
            ) : (
              "No event yet: they appear here as they happen. Stopping a member, or holdfast fault, makes some."
            )}
          </Empty>
        ) : (
          <EventList
            entries={entries}
            selected={selected.value}
            onSelect={select}
            isRelative={query["relative"] === "1"}
          />
        )}
        {opened !== "" && (
          <Card
            title="Event"
            tools={
              <button
                type="button"
                onClick={() => {
                  returnFocusTo(".event-list");
                  select(null);
                }}
              >
                Close
              </button>
            }
          >
            {selected.value === null ? (
              <p class="muted">The event {opened} is not here: it has not come yet, or gave way to newer ones.</p>
            ) : (
              <EventDetail entry={selected.value} />
            )}
          </Card>
        )}
      </div>
    </div>
  );
}

function Check({ name, label }: { readonly name: string; readonly label: string }): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={route.value.query[name] === "1"}
        onChange={(event) => setQuery({ [name]: event.currentTarget.checked ? "1" : "" })}
      />{" "}
      {label}
    </label>
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

function spanOf(seconds: string = ""): number {
  return spans.some(({ value }) => value === seconds) ? Number(seconds) * 1_000 : 0;
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
