import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EventRecorder, TelemetryEventType } from "holdfast/telemetry";
import { readEventPosition, type EventPosition } from "./event-position.ts";

export interface EventStreamOptions {
  readonly nodeId: string;
  readonly recorder: EventRecorder;
  /** Streams at once; one more is refused with 503. Default 64. */
  readonly maxStreams?: number;
  /** A comment goes out as often, so that both sides notice a dead connection. Default 15 000. */
  readonly heartbeatMs?: number;
  /** A client that takes nothing for so long is cut. Default 60 000. */
  readonly stallMs?: number;
  /** How long a client that was cut may still read why. Default 5 000. */
  readonly graceMs?: number;
}

/** The server-sent events of one node. */
export interface EventStreams {
  /** Part of every event's id: another one after each start. */
  readonly run: string;
  /** Answers a request with a stream, or with why not. */
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** Ends all streams with a word. */
  close(): void;
}

/** What one write may hold: so much, and what the socket takes, is all that waits for a client in memory. */
const eventsPerWrite = 64;

/** Clients come back after this, unless they know better. */
const retryMs = 1_000;

/**
 * Streams what a recorder has and gets. Nothing is queued for a client: it reads the recorder at its own pace, and when it
 * is so slow that the recorder has forgotten what it should get next, it is cut.
 */
export function createEventStreams(options: EventStreamOptions): EventStreams {
  const { maxStreams = 64, heartbeatMs = 15_000 } = options;
  /** Sequence numbers start again with each run of a node: an id tells of which run it is. */
  const run = randomBytes(4).toString("hex");
  const streams = new Set<EventStream>();
  let heartbeat: NodeJS.Timeout | undefined;
  let isClosed = false;

  function end(stream: EventStream): void {
    streams.delete(stream);
    if (streams.size > 0) return;
    clearInterval(heartbeat);
    heartbeat = undefined;
  }

  return {
    run,
    serve(request, response) {
      const position = readEventPosition(request, run, options.recorder);
      if (typeof position === "string") return refuse(response, 400, position);
      if (isClosed) return refuse(response, 503, "this member is stopping");
      if (streams.size >= maxStreams) return refuse(response, 503, `there are ${maxStreams} streams already`);
      const stream = new EventStream({ ...options, run, position, response, onEnd: () => end(stream) });
      streams.add(stream);
      heartbeat ??= setInterval(() => {
        for (const open of streams) open.beat();
      }, heartbeatMs).unref();
      stream.start();
    },
    close() {
      isClosed = true;
      for (const stream of streams) stream.cut("closing");
    },
  };
}

function refuse(response: ServerResponse, status: number, error: string): void {
  const body = JSON.stringify({ error });
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

interface StreamOptions extends EventStreamOptions {
  readonly run: string;
  readonly position: EventPosition;
  readonly response: ServerResponse;
  readonly onEnd: () => void;
}

/** One client's stream. */
class EventStream {
  readonly #options: StreamOptions;
  readonly #types: ReadonlySet<TelemetryEventType> | undefined;
  /** Everything up to here was sent, or is not wanted. */
  #seq: number;
  /** When the socket began to be full. */
  #fullSinceMs: number | undefined;
  #isOver = false;
  #unwatch: () => void = () => undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#types = options.position.types;
    this.#seq = options.position.seq;
  }

  start(): void {
    const { response, recorder, nodeId, run, position } = this.#options;
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // A proxy that collects answers would hold back every event.
      "x-accel-buffering": "no",
    });
    response.on("drain", () => {
      this.#fullSinceMs = undefined;
      this.#pump();
    });
    response.on("close", () => this.#end());
    // What is written to a connection that has just gone.
    response.on("error", () => this.#end());
    this.#write(`retry: ${retryMs}\n${named("hello", { nodeId, run, resumed: position.isResumed })}`);
    const { lost } = recorder.since(this.#seq, 0);
    if (lost !== undefined) {
      this.#seq = lost.to;
      this.#write(named("lost", lost));
    }
    this.#unwatch = recorder.watch(() => this.#pump());
    this.#pump();
  }

  /** Shows that the stream lives, and how far it has come. */
  beat(): void {
    const { stallMs = 60_000, run } = this.#options;
    if (this.#fullSinceMs === undefined) this.#write(`: alive\nid: ${run}-${this.#seq}\n\n`);
    else if (performance.now() - this.#fullSinceMs >= stallMs) this.cut("slow");
  }

  /** Says why as the last event, and ends. */
  cut(reason: "slow" | "closing"): void {
    if (this.#isOver) return;
    const { response, run, graceMs = 5_000 } = this.#options;
    this.#end();
    response.end(named("cut", { reason, last: `${run}-${this.#seq}` }));
    const timeout = setTimeout(() => response.destroy(), graceMs).unref();
    response.once("close", () => clearTimeout(timeout));
  }

  #pump(): void {
    while (!this.#isOver) {
      const { events, lost } = this.#options.recorder.since(this.#seq, eventsPerWrite);
      if (lost !== undefined) return this.cut("slow");
      const last = events.at(-1);
      if (this.#fullSinceMs !== undefined || last === undefined) return;
      this.#seq = last.seq;
      const wanted = this.#types === undefined ? events : events.filter(({ type }) => this.#types!.has(type));
      const { run } = this.#options;
      if (wanted.length === 0) continue;
      this.#write(wanted.map((event) => `id: ${run}-${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join(""));
    }
  }

  #write(text: string): void {
    if (!this.#options.response.write(text)) this.#fullSinceMs ??= performance.now();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch();
    this.#options.onEnd();
  }
}

/** About the stream itself; what has no name is an event of the node. */
function named(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
