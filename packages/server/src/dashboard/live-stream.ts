import type { ServerResponse } from "node:http";
import type { HelloMessage } from "holdfast/telemetry";
import type { HubChange, LiveHub, StateKind } from "./live-hub.ts";
import { dataHeaders } from "./problem.ts";

export interface LiveStreamOptions {
  readonly hub: LiveHub;
  readonly response: ServerResponse;
  readonly hello: HelloMessage;
  /** The position in the hub's log after which events are wanted. */
  readonly position: number;
  /** The page had events of another server, or of another run of this one: what is known to be missing since is told. */
  readonly isFromElsewhere?: boolean;
  readonly onEnd: () => void;
  /** A client that takes nothing for so long is cut. Default 15 000. */
  readonly stallMs?: number;
}

/** What one write may hold. */
const eventsPerWrite = 500;
const charsPerWrite = 256 * 1024;
const retryMs = 500;

/**
 * One page's stream. Nothing is queued for it: a state is written as it is when there is room, whatever it was meanwhile, and
 * events are read from the hub's log at the page's own pace.
 */
export class LiveStream {
  readonly #options: LiveStreamOptions;
  /** Nodes of which it was told that events may be missing. */
  readonly #missing = new Set<string>();
  readonly #due = new Set<StateKind>(["services", "plans", "drills", "faults"]);
  #position: number;
  /** What was before, as far as it is not written yet: shared by all streams. */
  #history: readonly Buffer[] = [];
  #historyAt = 0;
  #fullSinceMs: number | undefined;
  #isOver = false;
  #unwatch: () => void = () => undefined;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  start(): void {
    const { hub, response, hello } = this.#options;
    response.writeHead(200, {
      "content-type": "text/event-stream",
      ...dataHeaders,
      // A proxy that collects answers would hold back everything.
      "x-accel-buffering": "no",
    });
    response.on("drain", () => {
      this.#fullSinceMs = undefined;
      this.#pump();
    });
    response.on("close", () => this.#end());
    response.on("error", () => this.#end());
    this.#write(`retry: ${retryMs}\ndata: ${JSON.stringify(hello)}\n\n`);
    this.#unwatch = hub.watch((change) => this.#hear(change));
    if (hub.isReady) this.#due.add("cluster");
    this.#pump();
    void this.#begin();
  }

  async #begin(): Promise<void> {
    this.#history = await this.#options.hub.history();
    this.#pump();
  }

  /** Ends it; the page comes back, here or elsewhere. */
  cut(reason: "slow" | "closing"): void {
    if (this.#isOver) return;
    const { response } = this.#options;
    this.#end();
    response.end(`: ${reason}\n\n`);
    if (reason === "slow") response.destroy();
  }

  /** What was known elsewhere and is gone here, the page may have had or not. Of which node the log's own were, nobody knows. */
  #pumpMissing(): void {
    const { log, forgotten } = this.#options.hub;
    for (const nodeId of this.#position === 0 && log.dropped > 0 ? ["", ...forgotten] : forgotten) {
      if (this.#missing.has(nodeId)) continue;
      this.#missing.add(nodeId);
      this.#write(`data: ${JSON.stringify({ type: "lost", nodeId, count: null })}\n\n`);
    }
  }

  #hear(change: HubChange): void {
    if (change !== "events") this.#due.add(change);
    const { stallMs = 15_000 } = this.#options;
    if (this.#fullSinceMs !== undefined && performance.now() - this.#fullSinceMs >= stallMs) this.cut("slow");
    else this.#pump();
  }

  #pump(): void {
    for (const kind of this.#due) {
      if (this.#fullSinceMs !== undefined || this.#isOver) return;
      this.#due.delete(kind);
      this.#write(this.#options.hub.text(kind));
    }
    this.#pumpHistory();
    this.#pumpEvents();
  }

  #pumpHistory(): void {
    while (this.#fullSinceMs === undefined && !this.#isOver) {
      const text = this.#history[this.#historyAt];
      if (text === undefined) return;
      this.#write(text);
      if (++this.#historyAt === this.#history.length) this.#history = [];
    }
  }

  #pumpEvents(): void {
    if (this.#options.isFromElsewhere === true && this.#fullSinceMs === undefined && !this.#isOver) this.#pumpMissing();
    const { log } = this.#options.hub;
    while (this.#fullSinceMs === undefined && !this.#isOver) {
      const { entries, position, dropped } = log.after(this.#position, eventsPerWrite, charsPerWrite);
      if (position === this.#position && dropped === 0) return;
      const text: string[] = [];
      // Of which node they were, nobody knows any more.
      if (dropped > 0 && this.#position > 0) text.push(`data: {"type":"lost","nodeId":"","count":${dropped}}\n\n`);
      let batch: string[] = [];
      const endBatch = (): void => {
        if (batch.length > 0) text.push(`data: {"type":"events","events":[${batch.join()}]}\n\n`);
        batch = [];
      };
      for (const { kind, json } of entries) {
        if (kind === "event") batch.push(json);
        else {
          endBatch();
          text.push(`data: ${json}\n\n`);
        }
      }
      endBatch();
      this.#position = position;
      // The last of a write carries how far it has come: whoever has it has all before.
      const last = text.pop();
      if (last === undefined) return;
      this.#write(`${text.join("")}id: ${log.run}-${position}\n${last}`);
    }
  }

  #write(text: string | Buffer): void {
    if (!this.#options.response.write(text)) this.#fullSinceMs ??= performance.now();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch();
    this.#options.onEnd();
  }
}
