import type { JSX } from "preact";
import type { EventEntry } from "../model/event-log.ts";
import { dayText } from "../parts/number-text.ts";
import { CopyButton } from "../parts/copy-button.tsx";

/** One event with all of its fields. */
export function EventDetail({ entry }: { readonly entry: EventEntry }): JSX.Element {
  const { id, event, summary } = entry;
  const text = JSON.stringify(event, null, 2);
  return (
    <>
      <p>
        <b>{event.type}</b> of {event.nodeId}, {dayText(event.at)}
      </p>
      <p>{summary}</p>
      <p class="muted">Id {id}</p>
      <pre tabIndex={0} role="region" aria-label="The event as JSON">
        {text}
      </pre>
      <CopyButton text={text} />
    </>
  );
}
