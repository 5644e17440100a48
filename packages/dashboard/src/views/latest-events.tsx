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
      ({ event, tone }) => event.type !== "request" && (tone !== "plain" || eventRooms[event.type] !== "resilience"),
    )
    .slice(-shown)
    .reverse();
  if (latest.length === 0) return <Empty>No event yet.</Empty>;
  return (
    <>
      <ol class="latest">
        {latest.map(({ id, event, summary, tone }) => (
          <li key={id} class={tone}>
            <a
              href={addressOf("events", "", { event: id })}
              aria-label={`${clockText(event.at)}: ${event.type} of ${event.nodeId}`}
            >
              <time>{clockText(event.at)}</time>
            </a>
            <Icon name={tone} />
            <span>
              <bdi>
                <b>{event.nodeId}</b>
              </bdi>{" "}
              <bdi>{summary}</bdi>
            </span>
          </li>
        ))}
      </ol>
      <a href={addressOf("events")}>All events</a>
    </>
  );
}
