import type { JSX } from "preact";
import { eventRooms } from "holdfast/telemetry";
import { addressOf } from "../browser/route.ts";
import { Empty } from "../parts/card.tsx";
import { Icon } from "../parts/icon.tsx";
import { clockText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";

const shown = 9;

/** The last few events that matter, newest first. */
export function LatestEvents(): JSX.Element {
  const { entries } = usePage().log.value;
  const latest = entries
    .slice(-400)
    .filter(
      ({ event, tone }) =>
        eventRooms[event.type] !== "server" && (tone !== "plain" || eventRooms[event.type] !== "resilience"),
    )
    .slice(-shown)
    .reverse();
  if (latest.length === 0) return <Empty>No event yet.</Empty>;
  return (
    <>
      <ol class="latest">
        {latest.map(({ id, event, summary, tone }) => (
          <li key={id} class={tone}>
            <time>{clockText(event.at)}</time>
            <Icon name={tone} />
            <span>
              <b>{event.nodeId}</b> {summary}
            </span>
          </li>
        ))}
      </ol>
      <a href={addressOf("events")}>All events</a>
    </>
  );
}
