import { DurableJournal } from "./durable-journal.ts";
import type { ServiceMain } from "./property-context.ts";
import { serve } from "./serve.ts";
import type { SimulatedFetch } from "./simulated-fetch.ts";

export interface QueueServiceOptions {
  readonly port?: number;
  /** For how long a message that was handed out is not handed out again, unless it is confirmed. Default 1 000. */
  readonly visibleAfterMs?: number;
  /** Whether it refuses a request with 503 in rare cases, having done nothing. Default false. */
  readonly flaky?: boolean;
}

/** A message as a consumer gets it. */
export interface QueuedMessage {
  readonly id: number;
  readonly body: unknown;
  /** How often it was handed out since the queue started, this time included. */
  readonly deliveries: number;
}

type Entry = { readonly sent: number; readonly body: unknown } | { readonly confirmed: number };

interface Waiting {
  readonly id: number;
  readonly body: unknown;
  deliveries: number;
  visibleAt: number;
}

/**
 * A queue for simulated services, in place of their broker: what it has accepted it hands out until somebody confirms it,
 * so at least once, in any case twice when a consumer is slow, and oldest first but for that.
 */
export function queueService(options: QueueServiceOptions = {}): ServiceMain {
  const { visibleAfterMs = 1_000, flaky = false, ...listening } = options;
  return async (runtime, { rarely, sometimes }) => {
    const { clock } = runtime;
    const messages = new Map<number, Waiting>();
    let last = 0;
    const apply = (entry: Entry): void => {
      if ("confirmed" in entry) messages.delete(entry.confirmed);
      else messages.set((last = entry.sent), { id: entry.sent, body: entry.body, deliveries: 0, visibleAt: 0 });
    };
    const journal = await DurableJournal.open<Entry>(runtime.disk, "/messages", apply);
    await serve(
      runtime,
      async (request) => {
        if (flaky && rarely("queue refuses")) return new Response("unavailable", { status: 503 });
        const { pathname } = new URL(request.url);
        if (pathname === "/receive") {
          const now = clock.now();
          const message = [...messages.values()].find(({ visibleAt }) => visibleAt <= now);
          if (message === undefined) return new Response(null, { status: 204 });
          message.deliveries++;
          message.visibleAt = now + visibleAfterMs;
          sometimes("a message is handed out again", message.deliveries > 1);
          const { id, body, deliveries } = message;
          return Response.json({ id, body, deliveries });
        }
        const entry: Entry =
          request.method === "DELETE"
            ? { confirmed: Number(pathname.slice(1)) }
            : { sent: ++last, body: await request.json() };
        await journal.append(entry);
        apply(entry);
        return Response.json("sent" in entry ? { id: entry.sent } : {});
      },
      listening,
    );
  };
}

/** What `queueService` offers. Each call may fail with its effect unknown, as calls over a network do. */
export interface QueueClient {
  send(body: unknown): Promise<number>;
  /** Undefined when nothing waits. */
  receive(): Promise<QueuedMessage | undefined>;
  /** The message is done with, whoever else has got it. */
  confirm(id: number): Promise<void>;
}

/** @param url where the service is, such as `http://queue` */
export function queueClient(fetch: SimulatedFetch, url: string): QueueClient {
  const call = async (path: string, method: string, body?: unknown): Promise<Response> => {
    const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`the queue answered ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    send: async (body) => ((await (await call("/", "POST", body)).json()) as { readonly id: number }).id,
    async receive() {
      const response = await call("/receive", "POST");
      return response.status === 204 ? undefined : ((await response.json()) as QueuedMessage);
    },
    async confirm(id) {
      await call(`/${id}`, "DELETE");
    },
  };
}
