import type { ClientRequest, IncomingMessage } from "node:http";
import type { IdentifiedEvent, TelemetryEvent } from "holdfast/telemetry";
import type { Connections } from "../client/connections.ts";
import { identified } from "./event-log.ts";
import { readEvent } from "./member-answers.ts";

export interface EventFeedOptions {
  readonly origin: string;
  readonly connections: Connections;
  /** What it had last when it was closed before; absent, all that the member has is wanted. */
  readonly place?: FeedPlace | undefined;
  readonly onEvents: (events: readonly IdentifiedEvent[]) => void;
  readonly onLost: (nodeId: string, count: number | null) => void;
  /** The member had more before anybody here asked, and has it no more. */
  readonly onForgotten: (nodeId: string) => void;
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
/** Names and runs go back to the member in a header, and stand in the ids of events. */
const namePattern = /^[^\p{Cc}]{1,256}$/u;
const runPattern = /^\w{1,64}$/;
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
    /** What is coming is passed over up to its end. */
    let isTooLong = false;
    response.setEncoding("utf8");
    response.on("error", over);
    response.on("close", over);
    response.on("data", (text: string) => {
      if (this.#isClosed) return;
      let all = left + text;
      if (isTooLong) {
        const end = all.indexOf("\n\n");
        left = all.slice(-1);
        if (end < 0) return;
        all = all.slice(end + 2);
        isTooLong = false;
      }
      const blocks = all.split("\n\n");
      left = blocks.pop() ?? "";
      const events: TelemetryEvent[] = [];
      try {
        for (const block of blocks) this.#take(block, events);
      } catch {
        // What is no event stream is asked again, later.
        return over();
      }
      this.#tell(events);
      if (left.length <= maxBlockLength) return;
      // Asked again, the member would say the same again, and what comes after it would never be heard.
      isTooLong = true;
      left = left.slice(-1);
      if (this.#place !== undefined) this.#options.onLost(this.#place.nodeId, 1);
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
    const value: unknown = JSON.parse(data);
    if (name === undefined) {
      const event = readEvent(value);
      if (event !== undefined) events.push(event);
      // Whatever it was meant to be, it is not shown.
      else if (this.#place !== undefined) this.#options.onLost(this.#place.nodeId, 1);
    } else if (name === "hello") this.#greet(value as { readonly nodeId: unknown; readonly run: unknown });
    else if (name === "lost") this.#miss(value as { readonly from: unknown; readonly to: unknown });
  }

  #miss({ from, to }: { readonly from: unknown; readonly to: unknown }): void {
    if (this.#place === undefined) return;
    const count = Number(to) - Number(from) + 1;
    // Of what was forgotten before anybody here listened it is not known whether somebody elsewhere had it.
    if (this.#place.seq === 0) this.#options.onForgotten(this.#place.nodeId);
    else this.#options.onLost(this.#place.nodeId, Number.isSafeInteger(count) && count > 0 ? count : null);
  }

  /** @throws Error when it is no greeting */
  #greet({ nodeId, run }: { readonly nodeId: unknown; readonly run: unknown }): void {
    if (typeof nodeId !== "string" || typeof run !== "string" || !namePattern.test(nodeId) || !runPattern.test(run)) {
      throw new Error("no greeting of a member");
    }
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
