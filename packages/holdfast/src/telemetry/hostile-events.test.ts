import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { recordEvents } from "./event-recorder.ts";
import type { TelemetryEvent, TelemetryFact } from "./event.ts";
import { telemetryListener } from "./listener.ts";
import { createMetrics } from "./metrics/create-metrics.ts";
import { recordTelemetry } from "./metrics/record-telemetry.ts";
import { createTelemetry } from "./telemetry.ts";

function watched() {
  const clock = new VirtualClock();
  const telemetry = createTelemetry({ clock, nodeId: "n1" });
  const told: TelemetryEvent[] = [];
  telemetry.subscribe((event) => told.push(event));
  const publish = (fact: object): void => telemetry.publish(fact as TelemetryFact);
  return { clock, telemetry, told, publish };
}

/** Names, texts and what JSON adds, of one event. */
const mostOfAnEvent = 40_000;

describe("an event is bounded", () => {
  it("whatever policies tell, and the telemetry says how often it was cut", () => {
    const { telemetry, told } = watched();
    const recorder = recordEvents(telemetry);
    telemetryListener(telemetry)({ type: "breakerOpened", policy: "p".repeat(10_000_000) } as never);
    expect((told[0] as unknown as { policy: string }).policy).toBe(`${"p".repeat(1_023)}…`);
    expect(JSON.stringify(recorder.since(0).events).length).toBeLessThan(2_000);
    expect(telemetry.metrics).toMatchObject({ published: 1, shortened: 1, refused: 0 });
  });

  it("in all its parts", () => {
    const { telemetry, told, publish } = watched();
    const text = "t".repeat(1_000);
    publish({ type: "logTruncated", names: Array.from({ length: 100_000 }, () => text) });
    publish({ type: "logTruncated", holes: Object.assign([], { length: 2 ** 32 - 1 }) });
    publish({ type: "logTruncated", ...Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`n${at}`, at])) });
    let deep: object = {};
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    for (let at = 0; at < 10_000; at++) deep = { deep };
    publish({ type: "logTruncated", deep, circle });
    publish({ type: "logTruncated", error: Object.assign(new Error("e"), { huge: text.repeat(1_000) }) });
    for (const event of told) expect(JSON.stringify(event).length).toBeLessThan(mostOfAnEvent);
    expect(telemetry.metrics).toMatchObject({ published: 5, shortened: 4 });
    expect(told[4]).toMatchObject({ error: { name: "Error", code: null, message: "e" } });
  });

  it("and plain, whatever is in it", () => {
    const { told, publish } = watched();
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withMap: true })), (fields) => {
        publish({ ...fields, type: "quorumLost" });
        const event = told.at(-1)!;
        expect(event).toMatchObject({ type: "quorumLost", nodeId: "n1", seq: told.length });
        expect(JSON.stringify(event).length).toBeLessThan(mostOfAnEvent);
        expect(Object.isFrozen(event)).toBe(true);
      }),
    );
  });
});

describe("a fact that is none", () => {
  it("says nothing about the stamp", () => {
    const { clock, told, publish } = watched();
    publish({ type: "quorumLost", term: 1, at: 0, nodeId: "other", seq: 99 });
    expect(told).toEqual([{ type: "quorumLost", term: 1, at: clock.wallTime(), nodeId: "n1", seq: 1 }]);
  });

  it("is refused, counted, and stops nobody", () => {
    const { telemetry, told, publish } = watched();
    const fail = (): never => {
      throw new Error("no");
    };
    publish({ type: "unheardOf" });
    publish({ type: "constructor" });
    publish({ get type() { return fail(); } }); // prettier-ignore
    publish({ type: "quorumLost", get term() { return fail(); } }); // prettier-ignore
    publish(new Proxy({ type: "quorumLost" }, { ownKeys: fail }));
    publish(null as never);
    telemetryListener(telemetry)({ type: "quorumLost", get term() { return fail(); } } as never); // prettier-ignore
    expect([told, telemetry.metrics.refused, telemetry.metrics.published]).toEqual([[], 7, 0]);
    publish({ type: "quorumLost", term: 2 });
    expect(told).toMatchObject([{ term: 2, seq: 1 }]);
  });

  it("is in the metrics", () => {
    const { telemetry, publish } = watched();
    const metrics = createMetrics();
    recordTelemetry(metrics, telemetry);
    const second = watched();
    recordTelemetry(metrics, second.telemetry);
    publish({ type: "unheardOf" });
    second.publish({ type: "unheardOf" });
    publish({ type: "quorumLost", text: "t".repeat(2_000) });
    second.telemetry.subscribe(() => {
      throw new Error("broken");
    });
    second.publish({ type: "quorumLost", term: 1 });
    const read = (name: string): unknown => metrics.all.find((metric) => metric.name === name)?.read();
    expect(read("telemetry_events_faulty_total")).toEqual([
      { labels: ["dropped"], value: 0 },
      { labels: ["refused"], value: 2 },
      { labels: ["shortened"], value: 1 },
    ]);
    expect(read("telemetry_listener_failures_total")).toEqual([{ labels: [], value: 1 }]);
  });
});

describe("a listener", () => {
  it("that subscribes whenever it is told comes to an end, and is counted", () => {
    const { telemetry, publish } = watched();
    const subscribe = (): void => void telemetry.subscribe(subscribe, { types: ["quorumLost"] });
    subscribe();
    for (let at = 0; at < 16; at++) publish({ type: "quorumLost", term: at });
    expect(() => telemetry.subscribe(() => undefined)).toThrow("telemetry.subscribe must not go beyond 4096");
    expect(telemetry.metrics.listenerFailures).toBeGreaterThan(1_000);
    expect(telemetry.metrics.published).toBe(16);
  });

  it("that changes what it is told changes nothing for others, nor for whoever published it", () => {
    const { telemetry, told, publish } = watched();
    const voters = ["n1", "n2"];
    telemetry.subscribe((event) => (event as unknown as { voters: string[] }).voters.push("evil"));
    publish({ type: "configurationChanged", voters });
    voters.push("later");
    expect(told).toMatchObject([{ voters: ["n1", "n2"] }]);
    expect(telemetry.metrics.listenerFailures).toBe(1);
  });
});

it("a clock that jumps back changes the time of events and not their order", () => {
  let now = 1_000;
  const telemetry = createTelemetry({ clock: { wallTime: () => (now -= 100) }, nodeId: "n1" });
  const recorder = recordEvents(telemetry, { maxEvents: 3 });
  for (let term = 1; term <= 5; term++) telemetry.publish({ type: "quorumLost", term });
  expect(recorder.since(2)).toMatchObject({
    events: [{ seq: 3, at: 700 }, { seq: 4 }, { seq: 5, at: 500 }],
    lost: undefined,
  });
});
