import { request, type ClientRequest } from "node:http";
import type { TelemetryEvent } from "holdfast/telemetry";

/** What a node tells, gathered. */
export interface GatheredEvents {
  /** In order. */
  readonly events: readonly TelemetryEvent[];
  /** Of the last one; what to begin after the next time. */
  readonly lastId: string | undefined;
  /** What the stream said of itself, by name. */
  readonly words: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly ended: boolean;
  close(): void;
}

/** Opens the event stream of a node at its HTTP or client port. */
export function gatherEvents(origin: string, lastEventId?: string): GatheredEvents {
  const events: TelemetryEvent[] = [];
  const words = new Map<string, Readonly<Record<string, unknown>>>();
  let lastId: string | undefined;
  let ended = false;
  let text = "";
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const asked: ClientRequest = request(`${origin}/holdfast/v1/events`, { agent: false, headers }, (response) => {
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      const blocks = (text + part).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, name] = /^event: (.+)$/m.exec(block) ?? [];
        const [, id] = /^id: (.+)$/m.exec(block) ?? [];
        const [, data] = /^data: (.+)$/m.exec(block) ?? [];
        lastId = id ?? lastId;
        if (data === undefined) continue;
        if (name === undefined) events.push(JSON.parse(data) as TelemetryEvent);
        else words.set(name, JSON.parse(data) as Record<string, unknown>);
      }
    });
    response.on("close", () => (ended = true));
    response.on("error", () => (ended = true));
  });
  asked.on("error", () => (ended = true)).end();
  return {
    events,
    words,
    get lastId() {
      return lastId;
    },
    get ended() {
      return ended;
    },
    close: () => asked.destroy(),
  };
}
