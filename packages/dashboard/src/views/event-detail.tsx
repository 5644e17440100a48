import type { JSX } from "preact";
import { dashboardUrl } from "../browser/requests.ts";
import { addressOf } from "../browser/route.ts";
import type { EventEntry } from "../model/event-log.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { agoText, dayText } from "../parts/number-text.ts";
import { usePage, type PageState } from "../page-state.ts";

/** One event with all of its fields, the trace it belongs to, and what repeats it. */
export function EventDetail({ entry }: { readonly entry: EventEntry }): JSX.Element {
  const page = usePage();
  const { id, event, summary } = entry;
  const text = JSON.stringify(event, null, 2);
  const command = repeatedBy(event, page) ?? page.command;
  return (
    <>
      <p>
        <b>{event.type}</b> of <bdi>{event.nodeId}</bdi>, {dayText(event.at)}{" "}
        <span class="muted">({agoText(page.nowMs.value - event.at)} ago)</span>
      </p>
      <p dir="auto">{summary}</p>
      <p class="muted">
        Id {id}, <a href={addressOf("events", "", { node: event.nodeId })}>all of this node</a>
      </p>
      {typeof event.traceId === "string" && (
        <p>
          Trace <code>{event.traceId}</code> <CopyButton text={event.traceId} what="the trace's id" />
        </p>
      )}
      {command !== undefined && (
        <p>
          Again: <code>{command}</code> <CopyButton text={command} what="the command" />
        </p>
      )}
      <pre tabIndex={0} role="region" aria-label="The event as JSON">
        {text}
      </pre>
      <CopyButton text={text} what="the event" />
    </>
  );
}

/** The request that strikes so again, at the server that this page is from. */
function repeatedBy(event: EventEntry["event"], page: PageState): string | undefined {
  if (event.type !== "faultInjected" || page.requests === null) return undefined;
  const { target, kind, parameters, durationMs } = event;
  const body = JSON.stringify({ target, kind, parameters, durationMs }).replaceAll("'", String.raw`'\''`);
  return `curl -H 'content-type: application/json' -d '${body}' ${new URL("faults", dashboardUrl).href}`;
}
