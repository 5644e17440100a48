import type { ClientRequest, IncomingMessage } from "node:http";
import type { IdentifiedEvent, TelemetryEvent } from "holdfast/telemetry";
import type { Connections } from "../client/connections.ts";
import { identified } from "./event-log.ts";

export interface EventFeedOptions {
  readonly origin: string;
  readonly connections: Connections;
  /** What it had last when it was closed before; absent, all that the member has is wanted. */
  readonly place?: FeedPlace | undefined;
  readonly onEvents: (events: readonly IdentifiedEvent[]) => void;
  readonly onLost: (nodeId: string, count: number | null) => void;
}

/** How far a feed has come. */
export interface FeedPlace {
  readonly nodeId: string;
  readonly run: string;
  readonly seq: number;
  /** Monotonic, when it was last connected. */
  readonly atMs: number;
}

const retryMs = 500;
/** A member says something at least every 15 s. */
const silenceMs = 40_000;
const maxBlockLength = 1024 * 1024;
/** So short an absence around a member's restart hides nothing that it could still have told. */
const unseenMs = 2_000;

/** Follows the events of one member, over its restarts and pauses, from where it was. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  #place: FeedPlace | undefined;
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#open();
  }

  get place(): FeedPlace | undefined {
    return this.#place;
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  #open(): void {
    const { connections, origin } = this.#options;
    const place = this.#place;
    const headers = place === undefined ? {} : { "last-event-id": `${place.run}-${place.seq}` };
    const request = connections.request(`${origin}/holdfast/v1/events`, { headers });
    this.#request = request;
    let isOver = false;
    const over = (): void => {
      if (isOver || this.#isClosed) return;
      isOver = true;
      request.destroy();
      this.#timer = setTimeout(() => this.#open(), retryMs);
    };
    request.setTimeout(silenceMs, over);
    request.on("error", over);
    request.on("close", over);
    request.on("response", (response) => {
      if (response.statusCode !== 200) return over();
      this.#read(response, over);
    });
    request.end();
  }

  #read(response: IncomingMessage, over: () => void): void {
    let left = "";
    response.setEncoding("utf8");
    response.on("error", over);
    response.on("close", over);
    response.on("data", (text: string) => {
      if (this.#isClosed) return;
      const blocks = (left + text).split("\n\n");
      left = blocks.pop() ?? "";
      if (left.length > maxBlockLength) return over();
      const events: TelemetryEvent[] = [];
      try {
        for (const block of blocks) this.#take(block, events);
      } catch {
        // What is no event stream is asked again, later.
        return over();
      }
      this.#tell(events);
    });
  }

  #take(block: string, events: TelemetryEvent[]): void {
    const [, name] = /^event: (.+)$/m.exec(block) ?? [];
    const [, data] = /^data: (.+)$/m.exec(block) ?? [];
    if (data === undefined) {
      const [, seq] = /^id: \w+-(\d+)$/m.exec(block) ?? [];
      if (seq !== undefined) this.#move(Number(seq));
      return;
    }
    const value = JSON.parse(data) as object;
    if (name === undefined) events.push(value as TelemetryEvent);
    else if (name === "hello") this.#greet(value as { readonly nodeId: string; readonly run: string });
    else if (name === "lost") {
      const { from, to } = value as { readonly from: number; readonly to: number };
      if (this.#place !== undefined && this.#place.seq > 0) this.#options.onLost(this.#place.nodeId, to - from + 1);
    }
  }

  #greet({ nodeId, run }: { readonly nodeId: string; readonly run: string }): void {
    const before = this.#place;
    const atMs = performance.now();
    if (before?.run === run) return this.#move(before.seq);
    if (before !== undefined && atMs - before.atMs > unseenMs) this.#options.onLost(before.nodeId, null);
    this.#place = { nodeId, run, seq: 0, atMs };
  }

  #tell(events: readonly TelemetryEvent[]): void {
    const last = events.at(-1);
    if (last === undefined || this.#place === undefined) return;
    this.#move(last.seq);
    this.#options.onEvents(identified(this.#place.nodeId, this.#place.run, events));
  }

  #move(seq: number): void {
    if (this.#place !== undefined) this.#place = { ...this.#place, seq, atMs: performance.now() };
  }
}
