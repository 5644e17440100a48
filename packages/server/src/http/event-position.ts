import type { IncomingMessage } from "node:http";
import type { EventRecorder, TelemetryEventType } from "holdfast/telemetry";

/** From where on a client wants events, and which. */
export interface EventPosition {
  /** Those after this number. */
  readonly seq: number;
  /** Whether the client goes on where it was; else what it has seen before is of another run, or there was nothing. */
  readonly isResumed: boolean;
  /** Undefined: all. */
  readonly types: ReadonlySet<TelemetryEventType> | undefined;
}

/**
 * Reads `Last-Event-ID`, or `?since=` for clients that cannot set it, and `?types=`. The header wins: a browser that comes
 * back sends it with the address of its first visit. Gives what is wrong when something is.
 */
export function readEventPosition(
  request: Pick<IncomingMessage, "url" | "headers">,
  run: string,
  recorder: Pick<EventRecorder, "lastSeq" | "types">,
): EventPosition | string {
  const { lastSeq } = recorder;
  const { searchParams } = new URL(request.url ?? "/", "http://node");
  const header = request.headers["last-event-id"];
  const since = (typeof header === "string" && header !== "" ? header : undefined) ?? searchParams.get("since");
  const named = searchParams.get("types")?.split(",");
  const unknown = named?.find((name) => !isRecorded(recorder, name));
  if (unknown !== undefined) {
    return `types must be some of ${recorder.types.join(", ")} (got ${JSON.stringify(unknown)})`;
  }
  const types = named && new Set(named.filter((name) => isRecorded(recorder, name)));
  if (since === null) return { seq: 0, isResumed: false, types };
  if (since === "now") return { seq: lastSeq, isResumed: false, types };
  const [, sinceRun, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(since) ?? [];
  if (sinceRun === undefined) {
    return `Last-Event-ID or since must be the id of an event, or "now" (got ${JSON.stringify(since.slice(0, 80))})`;
  }
  const isResumed = sinceRun === run;
  return { seq: isResumed ? Math.min(Number(digits), lastSeq) : 0, isResumed, types };
}

function isRecorded({ types }: Pick<EventRecorder, "types">, name: string): name is TelemetryEventType {
  return (types as readonly string[]).includes(name);
}
