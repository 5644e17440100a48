import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { VirtualClock } from "holdfast/testing";
import { createTelemetry, recordEvents, type Telemetry } from "holdfast/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { createEventStreams, type EventStreamOptions, type EventStreams } from "./event-stream.ts";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Served {
  readonly telemetry: Telemetry;
  readonly streams: EventStreams;
  readonly url: string;
}

async function serve({
  maxEvents = 100,
  ...options
}: Partial<EventStreamOptions> & { maxEvents?: number } = {}): Promise<Served> {
  const telemetry = createTelemetry({ clock: new VirtualClock(), nodeId: "n1" });
  const recorder = recordEvents(telemetry, { maxEvents });
  const streams = createEventStreams({ nodeId: "n1", recorder, ...options });
  const server = createServer((incoming, response) => streams.serve(incoming, response));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { telemetry, streams, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** One block of a stream. */
interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

class Client {
  readonly response: IncomingMessage;
  readonly blocks: Block[] = [];
  ended = false;
  #text = "";
  #changed = Promise.withResolvers<void>();

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      const parts = (this.#text + text).split("\n\n");
      this.#text = parts.pop() ?? "";
      this.blocks.push(...parts.map(parse));
      this.#tell();
    });
    response.on("error", () => undefined);
    response.on("close", () => {
      this.ended = true;
      this.#tell();
    });
  }

  /** Events of the node, by number. */
  seqs(): unknown[] {
    return this.blocks
      .filter(({ event, data }) => event === undefined && data !== undefined)
      .map(({ data }) => data?.["seq"]);
  }

  named(name: string): Block["data"] {
    return this.blocks.find(({ event }) => event === name)?.data;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  /** What came that is no block: an answer that is no stream. */
  async body(): Promise<string> {
    await this.until(() => this.ended);
    return this.#text;
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function parse(block: string): Block {
  const fields = block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]);
  const { id, event, data } = Object.fromEntries(fields) as Record<string, string | undefined>;
  return {
    ...(id === undefined ? {} : { id }),
    ...(event === undefined ? {} : { event }),
    ...(data === undefined ? {} : { data: JSON.parse(data) as Record<string, unknown> }),
  };
}

function ask(url: string, lastEventId?: string): Promise<Client> {
  return new Promise((resolve, reject) => {
    const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const asked = request(url, { agent: false, headers }, (response) => resolve(new Client(response)));
    opened.push(() => asked.destroy());
    asked.once("error", reject).end();
  });
}

function publish(telemetry: Telemetry, count: number): void {
  for (let term = 1; term <= count; term++) telemetry.publish({ type: "quorumLost", term });
}

describe("a stream of events", () => {
  it("begins with what is recorded, goes on with what happens, and is taken up again where it ended", async () => {
    const { telemetry, url } = await serve();
    publish(telemetry, 2);
    const first = await ask(url);
    expect(first.response.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-store" });
    publish(telemetry, 1);
    await first.until(() => first.seqs().length === 3);
    expect(first.seqs()).toEqual([1, 2, 3]);
    expect(first.named("hello")).toMatchObject({ nodeId: "n1", resumed: false });
    expect(first.blocks.at(-1)?.data).toMatchObject({ type: "quorumLost", nodeId: "n1", seq: 3, term: 1 });
    const lastId = first.blocks.at(-1)?.id ?? "";
    first.response.destroy();

    publish(telemetry, 2);
    const second = await ask(url, lastId);
    await second.until(() => second.seqs().length === 2);
    expect(second.seqs()).toEqual([4, 5]);
    expect(second.named("hello")).toEqual({ ...first.named("hello"), resumed: true });
    expect(second.named("lost")).toBeUndefined();
    const third = await ask(`${url}/?since=${lastId}`);
    await third.until(() => third.seqs().length === 2);
    expect(third.seqs()).toEqual([4, 5]);
  });

  it("says so when the id is of another run, and begins anew", async () => {
    const { telemetry, url } = await serve();
    publish(telemetry, 1);
    const client = await ask(url, "00000000-7");
    await client.until(() => client.seqs().length === 1);
    expect([client.named("hello")?.["resumed"], client.seqs()]).toEqual([false, [1]]);
  });

  it("says which events are lost to a client that was away for too long", async () => {
    const { telemetry, url } = await serve({ maxEvents: 3 });
    publish(telemetry, 1);
    const first = await ask(url);
    await first.until(() => first.seqs().length === 1);
    first.response.destroy();
    publish(telemetry, 6);
    const second = await ask(url, first.blocks.at(-1)?.id);
    await second.until(() => second.seqs().length === 3);
    expect([second.named("lost"), second.seqs()]).toEqual([{ from: 2, to: 4 }, [5, 6, 7]]);
  });

  it("holds only the types asked for, from now on if so asked", async () => {
    const { telemetry, url } = await serve();
    publish(telemetry, 2);
    const client = await ask(`${url}/?since=now&types=logTruncated,roleChanged`);
    publish(telemetry, 1);
    telemetry.publish({ type: "logTruncated", from: 1, to: 2 });
    await client.until(() => client.seqs().length === 1);
    expect(client.seqs()).toEqual([4]);
  });

  it("carries comments while nothing happens, with how far it has come", async () => {
    const { telemetry, url } = await serve({ heartbeatMs: 5 });
    publish(telemetry, 1);
    const client = await ask(`${url}/?types=roleChanged`);
    await client.until(() => client.blocks.some(({ id }) => id?.endsWith("-1") === true));
    expect(client.seqs()).toEqual([]);
  });

  it("ends with a word when the node stops, and none is begun after that", async () => {
    const { streams, url } = await serve();
    const client = await ask(url);
    await client.until(() => client.named("hello") !== undefined);
    streams.close();
    await client.until(() => client.ended);
    expect(client.blocks.at(-1)).toMatchObject({ event: "cut", data: { reason: "closing" } });
    const late = await ask(url);
    expect([late.response.statusCode, await late.body()]).toEqual([503, '{"error":"this member is stopping"}']);
  });

  it.each([
    ["?types=request,nothing", undefined, /types must be some of memberJoined, .* \(got \\"nothing\\"\)/],
    [
      "?since=yesterday",
      undefined,
      /Last-Event-ID or since must be the id of an event, or \\"now\\" \(got \\"yesterday\\"\)/,
    ],
    ["?since=now", "17", /must be the id of an event/],
    ["", "0123abcd-9999999999999999", /must be the id of an event/],
  ])("is refused for %s with id %s", async (query, id, message) => {
    const { url } = await serve();
    const client = await ask(`${url}/${query}`, id);
    expect(client.response.statusCode).toBe(400);
    expect(await client.body()).toMatch(message);
  });

  it("is refused when there are too many, until one of them ends", async () => {
    const { url } = await serve({ maxStreams: 1 });
    const first = await ask(url);
    const second = await ask(url);
    expect([second.response.statusCode, await second.body()]).toEqual([503, '{"error":"there are 1 streams already"}']);
    first.response.destroy();
    await accepted(url);
  });
});

/** Asks until there is room. */
async function accepted(url: string): Promise<Client> {
  for (;;) {
    const client = await ask(url);
    if (client.response.statusCode === 200) return client;
    client.response.destroy();
  }
}

describe("a client that does not keep up", () => {
  /** More than the kernel takes for a connection on loopback. */
  const bulk = { count: 600, voters: Array.from({ length: 15 }, () => "€".repeat(1_000)) };

  /** Publishes while the client reads nothing, with turns of the event loop in between. */
  async function overflow(telemetry: Telemetry): Promise<void> {
    for (let at = 0; at < bulk.count; at++) {
      const { voters } = bulk;
      telemetry.publish({
        type: "configurationChanged",
        voters,
        outgoing: [],
        learners: [],
        index: at,
        committed: true,
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("is cut once its next event is forgotten, with why as the last event, and may come back", async () => {
    const { telemetry, url } = await serve({ maxEvents: 4 });
    const slow = await ask(url);
    await slow.until(() => slow.named("hello") !== undefined);
    slow.response.pause();
    await overflow(telemetry);
    slow.response.resume();
    await slow.until(() => slow.ended);
    const seen = slow.seqs();
    expect(seen.length).toBeLessThan(bulk.count);
    expect(seen).toEqual(seen.map((_, at) => at + 1));
    const { event, data } = slow.blocks.at(-1) ?? {};
    expect([event, data?.["reason"]]).toEqual(["cut", "slow"]);
    const again = await ask(url, String(data?.["last"]));
    await again.until(() => again.seqs().length === 4);
    expect(again.named("lost")).toEqual({ from: seen.length + 1, to: bulk.count - 4 });
  });

  it("is cut and gone when it takes nothing for too long, though nothing is forgotten", async () => {
    const { telemetry, url } = await serve({
      maxEvents: bulk.count,
      maxStreams: 1,
      heartbeatMs: 5,
      stallMs: 20,
      graceMs: 20,
    });
    const stalled = await ask(url);
    await stalled.until(() => stalled.named("hello") !== undefined);
    stalled.response.pause();
    await overflow(telemetry);
    const next = await accepted(`${url}/?since=now`);
    stalled.response.resume();
    await stalled.until(() => stalled.ended);
    expect(stalled.seqs().length).toBeLessThan(bulk.count);
    expect(next.response.statusCode).toBe(200);
  });
});
