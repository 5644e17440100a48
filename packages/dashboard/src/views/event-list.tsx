import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { EventEntry } from "../model/event-log.ts";
import { Icon } from "../parts/icon.tsx";
import { agoText, clockText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";

const rowHeight = 26;
const extraRows = 8;

/** Newest first. Only the rows in sight are there, so that ten thousand cost no more than fifty. */
export function EventList({
  entries,
  selected: active,
  onSelect,
  isRelative,
}: {
  readonly entries: readonly EventEntry[];
  readonly selected: EventEntry | null;
  readonly onSelect: (entry: EventEntry | null) => void;
  readonly isRelative: boolean;
}): JSX.Element {
  const page = usePage();
  const isPaused = page.paused.value !== null;
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(480);
  const total = entries.length;
  const first = Math.max(0, Math.floor(top.value / rowHeight) - extraRows);
  const last = Math.min(total, Math.ceil((top.value + height.value) / rowHeight) + extraRows);
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  const entryAt = (row: number): EventEntry | undefined => entries[total - 1 - row];

  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => (height.value = current.clientHeight));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);

  // Live, the newest are in sight; who scrolls away from them wants to read, and the list stands still.
  useEffect(() => {
    if (!isPaused && box.current !== null) box.current.scrollTop = 0;
  }, [isPaused]);

  useEffect(() => {
    if (active === null || box.current === null) return;
    const row = total - 1 - entries.indexOf(active);
    if (row >= total) return;
    const [above, below] = [row * rowHeight, (row + 1) * rowHeight - box.current.clientHeight];
    if (box.current.scrollTop > above) box.current.scrollTop = above;
    else if (box.current.scrollTop < below) box.current.scrollTop = below;
  }, [active]);

  function onScroll(): void {
    if (box.current === null) return;
    top.value = box.current.scrollTop;
    if (top.value > rowHeight) page.pause("reading");
  }

  function move(event: KeyboardEvent): void {
    const by: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: Math.floor(height.value / rowHeight),
      PageUp: -Math.floor(height.value / rowHeight),
      Home: -total,
      End: total,
    };
    const step = by[event.key];
    if (event.key === "Escape") onSelect(null);
    if (step === undefined || total === 0) return;
    event.preventDefault();
    page.pause("reading");
    const now = active === null ? -1 : total - 1 - entries.indexOf(active);
    onSelect(entryAt(Math.min(total - 1, Math.max(0, now + step))) ?? null);
  }

  return (
    <div
      ref={box}
      class="event-list"
      tabIndex={0}
      role="listbox"
      aria-label="Events, newest first"
      aria-activedescendant={
        active !== null && rows.some((row) => entryAt(row) === active) ? "active-event" : undefined
      }
      onScroll={onScroll}
      onKeyDown={move}
    >
      <div class="event-space" role="presentation" style={{ height: `${total * rowHeight}px` }}>
        {rows.map((row) => {
          const entry = entryAt(row);
          return entry === undefined ? null : (
            <EventRow
              key={entry.id}
              entry={entry}
              row={row}
              total={total}
              isActive={entry === active}
              onSelect={onSelect}
              isRelative={isRelative}
            />
          );
        })}
      </div>
    </div>
  );
}

function EventRow({
  entry,
  row,
  total,
  isActive,
  onSelect,
  isRelative,
}: {
  readonly entry: EventEntry;
  readonly row: number;
  readonly total: number;
  readonly isActive: boolean;
  readonly onSelect: (entry: EventEntry) => void;
  readonly isRelative: boolean;
}): JSX.Element {
  const page = usePage();
  const { event, summary, tone } = entry;
  return (
    <div
      id={isActive ? "active-event" : undefined}
      class={`event-row ${tone}`}
      role="option"
      aria-selected={isActive}
      aria-setsize={total}
      aria-posinset={row + 1}
      style={{ transform: `translateY(${row * rowHeight}px)` }}
      onClick={() => {
        page.pause("reading");
        onSelect(entry);
      }}
    >
      <EventTime atMs={event.at} isRelative={isRelative} />
      <span class="event-node">
        <bdi>{event.nodeId}</bdi>
      </span>
      <Icon name={tone} />
      <span class="event-type">{event.type}</span>
      <span class="event-words" dir="auto">
        {summary}
      </span>
    </div>
  );
}

function EventTime({ atMs, isRelative }: { readonly atMs: number; readonly isRelative: boolean }): JSX.Element {
  const page = usePage();
  return <span class="event-time">{isRelative ? `${agoText(page.nowMs.value - atMs)} ago` : clockText(atMs)}</span>;
}
