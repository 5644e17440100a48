import type { ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { HelloMessage, LiveMessage, TelemetryEvent } from "holdfast/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { openConnections } from "../client/connections.ts";
import { identified } from "./event-log.ts";
import { LiveHub } from "./live-hub.ts";
import { LiveStream } from "./live-stream.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const hello: HelloMessage = {
  type: "hello",
  version: 1,
  servedBy: "n1",
  release: "0",
  allows: { faults: false, plans: false, keys: false },
  everyMs: 1_000,
};

const report = { service: "shop", at: 1, startedAt: 0, health: null, policies: [], errors: [], omitted: 0 };

/** A page whose connection takes 4 KiB, and more when it reads. */
function openSlowPage(stallMs: number) {
  const connections = openConnections();
  const hub = new LiveHub({ servedBy: "n1", connections, token: undefined, known: () => [] });
  closing.push(() => hub.close());
  const wire = new PassThrough({ highWaterMark: 4_096 });
  let isOver = false;
  const response = Object.assign(wire, { writeHead: () => response }) as unknown as ServerResponse;
  const stream = new LiveStream({ hub, response, hello, position: 0, stallMs, onEnd: () => (isOver = true) });
  stream.start();
  return { hub, wire, isOver: () => isOver };
}

function addEvents(hub: LiveHub, from: number, count: number): void {
  const events = Array.from({ length: count }, (_, at): TelemetryEvent => ({
    type: "quorumLost",
    at: 0,
    nodeId: "n1",
    seq: from + at,
    term: 1,
  }));
  hub.log.add(identified("n1", "r", events));
}

function messagesIn(text: string): LiveMessage[] {
  return text
    .split("\n\n")
    .flatMap((block) => /^data: (.+)$/m.exec(block)?.[1] ?? [])
    .map((found) => JSON.parse(found) as LiveMessage);
}

describe("a page that does not read", () => {
  it("has nothing queued for it, and gets the latest of every state and all events when it reads again", async () => {
    const { hub, wire } = openSlowPage(60_000);
    addEvents(hub, 1, 2_000);
    for (let at = 1; at <= 50; at++) {
      hub.shelf.take({ ...report, instance: `i${at}` }, 100);
      hub.faultsChanged();
    }
    await delay(300);
    // One write beyond what the connection takes, at most.
    expect(wire.writableLength + wire.readableLength).toBeLessThan(128 * 1024);
    let text = "";
    wire.setEncoding("utf8").on("data", (part: string) => (text += part));
    while (!text.includes("n1:r-2000")) await delay(5);
    const messages = messagesIn(text);
    const ids = messages.flatMap((message) => (message.type === "events" ? message.events.map(({ id }) => id) : []));
    expect(ids).toEqual(Array.from({ length: 2_000 }, (_, at) => `n1:r-${at + 1}`));
    const services = messages.filter((message) => message.type === "services");
    expect(services.at(-1)?.services).toHaveLength(50);
    expect(services.length).toBeLessThan(5);
  });

  it("is told how much it has missed for good", async () => {
    const { hub, wire } = openSlowPage(60_000);
    addEvents(hub, 1, 1_000);
    hub.faultsChanged();
    await delay(250);
    addEvents(hub, 1_001, 12_000);
    let text = "";
    wire.setEncoding("utf8").on("data", (part: string) => (text += part));
    while (!text.includes("n1:r-13000")) await delay(5);
    const messages = messagesIn(text);
    const ids = messages.flatMap((message) => (message.type === "events" ? message.events.map(({ id }) => id) : []));
    const lost = messages.flatMap((message) => (message.type === "lost" ? [message.count ?? 0] : []));
    expect(lost).toHaveLength(1);
    expect(ids.length + lost[0]!).toBe(13_000);
  });

  it("has little waiting for it, however long the events are", async () => {
    const { hub, wire } = openSlowPage(60_000);
    const long = (seq: number): TelemetryEvent =>
      ({ type: "quorumLost", at: 0, nodeId: "n1", seq, term: 1, detail: "x".repeat(60_000) }) as TelemetryEvent;
    hub.log.add(
      identified(
        "n1",
        "r",
        Array.from({ length: 200 }, (_, at) => long(at + 1)),
      ),
    );
    hub.faultsChanged();
    let read = 0;
    const { promise: isRead, resolve } = Promise.withResolvers<void>();
    wire.on("data", (part: Buffer) => {
      read += part.length;
      expect(wire.writableLength + wire.readableLength).toBeLessThan(600_000);
      if (read >= 200 * 60_000) resolve();
    });
    await isRead;
  });

  it("is cut after a while", async () => {
    const { hub, wire, isOver } = openSlowPage(100);
    wire.on("error", () => undefined);
    addEvents(hub, 1, 5_000);
    const startedMs = performance.now();
    while (!isOver()) {
      hub.faultsChanged();
      await delay(10);
    }
    expect(wire.destroyed).toBe(true);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(90);
  });
});

describe("many pages", () => {
  it("share what a state says: it is put together once, and less often the longer that takes", async () => {
    const connections = openConnections();
    const looksMs: number[] = [];
    const drills = () => {
      looksMs.push(performance.now());
      while (performance.now() < looksMs.at(-1)! + 20);
      return [];
    };
    const hub = new LiveHub({ servedBy: "n1", connections, token: undefined, known: () => [], drills });
    closing.push(() => hub.close());
    const heard: string[] = [];
    for (let at = 0; at < 50; at++) {
      hub.watch((change) => {
        if (change === "drills") heard.push(hub.text("drills").toString());
      });
    }
    while (looksMs.length < 2) {
      hub.drillsChanged();
      await delay(5);
    }
    // At once, and again after twenty times as long as it took.
    expect(looksMs[1]! - looksMs[0]!).toBeGreaterThan(20 * 20 - 5);
    expect(heard).toHaveLength(2 * 50);
    expect(new Set(heard)).toEqual(new Set(['data: {"type":"drills","drills":[]}\n\n']));
  });
});
