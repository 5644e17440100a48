import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import type { TelemetryEvent } from "./event.ts";
import { createTelemetry, type Telemetry } from "./telemetry.ts";

const clock = new VirtualClock();
const quorumLost = { type: "quorumLost", term: 3 } as const;
const becameLeader = { type: "roleChanged", role: "leader", term: 3 } as const;

const request = { type: "request", method: "/m", transport: "grpc", code: 0, durationMs: 1, error: null } as const;

const bus = (): Telemetry => createTelemetry({ clock, nodeId: "n1" });

describe("a telemetry nobody listens to", () => {
  it("is not active, wants nothing, and stamps nothing", () => {
    const telemetry = bus();
    telemetry.publish(quorumLost);
    expect([telemetry.active, telemetry.wants("quorumLost"), telemetry.metrics.published]).toEqual([false, false, 0]);
  });

  it("reads no field of what it is given", () => {
    const telemetry = bus();
    const read: unknown[] = [];
    const fact = new Proxy(quorumLost, { get: (_, name) => (read.push(name), "quorumLost") });
    telemetry.publish(fact);
    expect(read).toEqual([]);
    telemetry.subscribe(() => undefined, { types: ["request"] });
    telemetry.publish(fact);
    expect(read).toEqual(["type"]);
  });
});

describe("publish", () => {
  it("tells every listener the same event, with who, when and which", () => {
    const telemetry = bus();
    const told: TelemetryEvent[] = [];
    telemetry.subscribe((event) => told.push(event));
    telemetry.subscribe((event) => told.push(event));
    telemetry.publish(becameLeader);
    expect(told[0]).toEqual({ ...becameLeader, at: clock.wallTime(), nodeId: "n1", seq: 1 });
    expect(told[1]).toBe(told[0]);
    expect(Object.isFrozen(told[0])).toBe(true);
  });

  it("numbers events of all types in one row", () => {
    const telemetry = bus();
    const told: number[] = [];
    telemetry.subscribe(({ seq }) => told.push(seq));
    telemetry.publish(quorumLost);
    telemetry.publish(becameLeader);
    telemetry.publish(quorumLost);
    expect(told).toEqual([1, 2, 3]);
  });

  it("names the trace of what happens to calls, and of nothing else", () => {
    let traceId: string | undefined = "0af7651916cd43dd8448eb211c80319c";
    const span = () => (traceId === undefined ? undefined : { traceId });
    const telemetry = createTelemetry({ clock, nodeId: "n1", span });
    const told: TelemetryEvent[] = [];
    telemetry.subscribe((event) => told.push(event));
    telemetry.publish(request);
    // It changes its role while some call happens to be under way.
    telemetry.publish(becameLeader);
    traceId = undefined;
    telemetry.publish(request);
    expect(told.map((event) => event.traceId)).toEqual(["0af7651916cd43dd8448eb211c80319c", undefined, undefined]);
    expect(told.map((event) => "traceId" in event)).toEqual([true, false, false]);
  });

  it("tells only what was asked for, and numbers only what somebody wanted", () => {
    const telemetry = bus();
    const terms: number[] = [];
    telemetry.subscribe(({ term, seq }) => terms.push(term, seq), { types: ["quorumLost"] });
    expect([telemetry.active, telemetry.wants("quorumLost"), telemetry.wants("roleChanged")]).toEqual([
      true,
      true,
      false,
    ]);
    telemetry.publish(becameLeader);
    telemetry.publish(quorumLost);
    expect(terms).toEqual([3, 1]);
  });

  it("is not changed by listeners that throw or reject, which are counted", async () => {
    const telemetry = bus();
    const told: string[] = [];
    telemetry.subscribe(() => {
      throw new Error("broken");
    });
    const rejects: () => unknown = () => Promise.reject(new Error("broken later"));
    telemetry.subscribe(rejects);
    telemetry.subscribe(({ type }) => told.push(type));
    telemetry.publish(quorumLost);
    await clock.advance(0);
    expect(told).toEqual(["quorumLost"]);
    expect(telemetry.metrics.listenerFailures).toBe(2);
  });

  it("tells what a listener publishes after the event it was told of, to all in one order", () => {
    const telemetry = bus();
    const told: string[][] = [[], []];
    telemetry.subscribe(({ type }) => {
      told[0]?.push(type);
      if (type === "quorumLost") telemetry.publish(becameLeader);
    });
    telemetry.subscribe(({ type }) => told[1]?.push(type));
    telemetry.publish(quorumLost);
    expect(told).toEqual([
      ["quorumLost", "roleChanged"],
      ["quorumLost", "roleChanged"],
    ]);
  });

  it("ends although a listener publishes at every event, and goes on afterwards", () => {
    const telemetry = bus();
    let told = 0;
    const stop = telemetry.subscribe(() => {
      told++;
      telemetry.publish(quorumLost);
    });
    telemetry.publish(quorumLost);
    expect([told, telemetry.metrics.dropped]).toEqual([1_025, 1]);
    stop();
    telemetry.subscribe(({ seq }) => (told = seq));
    telemetry.publish(quorumLost);
    expect(told).toBe(1_026);
  });
});

describe("subscribe", () => {
  it("is taken back once, also in the middle of an event", () => {
    const telemetry = bus();
    const told: string[] = [];
    telemetry.subscribe(() => {
      stop();
      telemetry.subscribe(() => told.push("new"));
    });
    const stop = telemetry.subscribe(() => told.push("stopped"));
    telemetry.publish(quorumLost);
    expect(told).toEqual([]);
    stop();
    telemetry.publish(quorumLost);
    expect(told).toEqual(["new"]);
  });

  it("leaves nothing active behind", () => {
    const telemetry = bus();
    const stops = [telemetry.subscribe(() => undefined), telemetry.subscribe(() => undefined, { types: ["request"] })];
    for (const stop of [...stops, ...stops]) stop();
    expect([telemetry.active, telemetry.wants("request")]).toEqual([false, false]);
  });

  it.each([
    [{ types: ["nothing"] }, /^filter\.types\[0\] must be "memberJoined" or .* \(got "nothing"\)$/],
    [{ types: "request" }, 'filter.types must be an array (got "request")'],
    [{ type: ["request"] }, "telemetry.subscribe filter.type is no option; there are types (got an array of 1)"],
  ])("refuses the filter %j", (filter, message) => {
    expect(() => bus().subscribe(() => undefined, filter as never)).toThrow(message);
  });

  it("refuses what is no listener", () => {
    expect(() => bus().subscribe(undefined as never)).toThrow("telemetry.subscribe listener must be a function");
  });
});

describe("node:diagnostics_channel", () => {
  it("has the events of a type under their name, and makes the telemetry active while somebody is there", () => {
    const telemetry = createTelemetry({ clock, nodeId: "n1", channel });
    const told: unknown[] = [];
    const listener = (event: unknown): void => void told.push(event);
    const name = "holdfast:consensus:quorumLost";
    telemetry.publish(quorumLost);
    subscribe(name, listener);
    expect([telemetry.active, telemetry.wants("quorumLost"), telemetry.wants("roleChanged")]).toEqual([
      true,
      true,
      false,
    ]);
    telemetry.publish(quorumLost);
    unsubscribe(name, listener);
    telemetry.publish(quorumLost);
    expect(told).toEqual([{ ...quorumLost, at: clock.wallTime(), nodeId: "n1", seq: 1 }]);
    expect(telemetry.active).toBe(false);
  });

  it("may fail like a listener", () => {
    const failing = { hasSubscribers: true, publish: () => assertNever() };
    const telemetry = createTelemetry({ clock, nodeId: "n1", channel: () => failing });
    telemetry.publish(quorumLost);
    expect(telemetry.metrics).toMatchObject({ published: 1, listenerFailures: 1, dropped: 0 });
  });
});

describe("createTelemetry", () => {
  it.each([
    [{ clock, nodeId: "" }, 'telemetry.nodeId must be 1 to 128 characters (got "")'],
    [{ clock, nodeId: "n1", channel: 7 }, "telemetry.channel must be a function (got 7)"],
    [
      { clock, nodeId: "n1", name: "x" },
      'telemetry.name is no option; there are clock, nodeId, channel, span (got "x")',
    ],
    [{ clock, nodeId: "n1", span: {} }, "telemetry.span must be a function (got an object)"],
  ])("refuses options %#", (options, message) => {
    expect(() => createTelemetry(options as never)).toThrow(message);
  });
});

function assertNever(): never {
  throw new Error("broken");
}
