import { request, type IncomingMessage, type RequestOptions } from "node:http";
import type { ClusterView, IdentifiedEvent, LiveMessage, MemberView, ServiceReport } from "holdfast/telemetry";

/** What an HTTP server answered, whole. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** One exchange, with exactly the headers given: `fetch` would set some itself. */
export function ask(url: string, options: RequestOptions & { readonly body?: string } = {}): Promise<Reply> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...rest }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Posts JSON. */
export function post(url: string, value: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return ask(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  });
}

/** A page, as far as the server can tell: it has the latest of every state, and all events. */
export class WatchingPage {
  readonly events: IdentifiedEvent[] = [];
  readonly lost: LiveMessage[] = [];
  readonly arrivedMs: number[] = [];
  lastId: string | undefined;
  isOver = false;
  readonly #latest = new Map<string, LiveMessage>();
  readonly #waiting = new Set<() => void>();
  readonly #asked: ReturnType<typeof request>;

  constructor(origin: string, headers: Readonly<Record<string, string>> = {}) {
    const url = `${origin}/holdfast/v1/dashboard/stream`;
    this.#asked = request(url, { agent: false, headers }, (response) => {
      let left = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        const blocks = (left + text).split("\n\n");
        left = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
        this.#tell();
      });
      response.on("error", () => undefined);
      response.on("close", () => this.#end());
    });
    this.#asked.on("error", () => this.#end());
    this.#asked.end();
  }

  get cluster(): ClusterView | undefined {
    return this.#state("cluster")?.cluster;
  }

  get services(): readonly ServiceReport[] {
    return this.#state("services")?.services ?? [];
  }

  get faults(): Extract<LiveMessage, { type: "faults" }> | undefined {
    return this.#state("faults");
  }

  member(name: string): MemberView | undefined {
    return this.cluster?.members.find((member) => member.name === name);
  }

  /** How long it took until the condition held. @throws when it does not within the time */
  async until(what: string, timeoutMs: number, condition: () => boolean): Promise<number> {
    const startedMs = performance.now();
    while (!condition()) {
      const leftMs = timeoutMs - (performance.now() - startedMs);
      if (leftMs <= 0 || this.isOver) throw new Error(`${what}: not within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
    return performance.now() - startedMs;
  }

  close(): void {
    this.#asked.destroy();
  }

  #state<T extends LiveMessage["type"]>(type: T): Extract<LiveMessage, { type: T }> | undefined {
    return this.#latest.get(type) as Extract<LiveMessage, { type: T }> | undefined;
  }

  #take(block: string): void {
    const [, id] = /^id: (.+)$/m.exec(block) ?? [];
    const [, data] = /^data: (.+)$/m.exec(block) ?? [];
    this.lastId = id ?? this.lastId;
    if (data === undefined) return;
    const message = JSON.parse(data) as LiveMessage;
    if (message.type === "events") this.events.push(...message.events);
    else if (message.type === "lost") this.lost.push(message);
    else this.#latest.set(message.type, message);
    if (message.type === "cluster") this.arrivedMs.push(performance.now());
  }

  #end(): void {
    this.isOver = true;
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#waiting) wake();
  }
}
