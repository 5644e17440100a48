import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import type { SendOutcome } from "../batch-queue.ts";
import { batchSpanSink, type BatchSpanSinkOptions } from "./batch-span-sink.ts";
import { otlpSpanSink } from "./otlp-span-sink.ts";
import { createTracer } from "./tracer.ts";

function scene(options: Partial<BatchSpanSinkOptions> = {}) {
  const clock = new VirtualClock();
  const far = { state: "up" as "up" | "down" | SendOutcome, got: [] as string[], sizes: [] as number[] };
  const sink = batchSpanSink({
    clock,
    random: seededRandom(1),
    send: async (batch) => {
      far.sizes.push(batch.length);
      if (far.state === "down") throw new Error("refused");
      if (far.state !== "up") return far.state;
      far.got.push(...batch.map(({ name }) => name));
      return "sent";
    },
    ...options,
  });
  const tracer = createTracer({ clock, sinks: [sink] });
  return { clock, far, sink, tracer, end: (name: string): void => tracer.startSpan(name).end() };
}

describe("batchSpanSink", () => {
  it("sends what has waited long enough, or is enough", async () => {
    const { clock, far, sink, end } = scene({ maxBatch: 3 });
    end("a");
    await clock.advance(1_999);
    expect(far.sizes).toEqual([]);
    await clock.advance(1);
    expect(far.sizes).toEqual([1]);
    for (const name of ["b", "c", "d"]) end(name);
    await clock.advance(0);
    expect(far.got).toEqual(["a", "b", "c", "d"]);
    expect(sink.metrics).toEqual({ buffered: 0, sent: 4, dropped: 0, failures: 0 });
  });

  it("keeps the first while the other side is down, counts the others exactly, and sends again", async () => {
    const { clock, far, sink, end } = scene({ maxBuffered: 100, maxBatch: 10 });
    far.state = "down";
    for (let second = 0; second < 60; second++) {
      for (let each = 0; each < 5; each++) end(`${second * 5 + each}`);
      await clock.advance(1_000);
    }
    expect(sink.metrics).toMatchObject({ buffered: 100, sent: 0, dropped: 200 });
    expect(sink.metrics.failures).toBeGreaterThan(3);
    far.state = "up";
    await clock.advance(31_000);
    expect(far.got).toEqual(Array.from({ length: 100 }, (_, at) => `${at}`));
    expect(sink.metrics).toMatchObject({ buffered: 0, sent: 100, dropped: 200 });
  });

  it("flushes with its tracer, up to a time, and counts what is left at the end", async () => {
    const { clock, far, sink, tracer, end } = scene();
    end("a");
    await tracer.flush();
    expect(far.got).toEqual(["a"]);
    far.state = "down";
    end("b");
    const flushed = tracer.flush({ signal: AbortSignal.abort() });
    await flushed;
    const closed = tracer.close();
    await clock.advance(5_000);
    await closed;
    end("c");
    expect(sink.metrics).toMatchObject({ buffered: 0, sent: 1, dropped: 2 });
    expect(clock.pending).toBe(0);
  });

  it("sends what was written as the last batch came back", async () => {
    const { clock, far, sink, end } = scene({ maxBatch: 1 });
    end("a");
    for (let turn = 0; turn < 20; turn++) await Promise.resolve().then(() => turn === 4 && end("b"));
    await clock.advance(2_000);
    expect(far.got).toEqual(["a", "b"]);
    expect(sink.metrics.buffered).toBe(0);
  });

  it.each([
    [{}, "batchSpanSink.send must be a function"],
    [{ send: (): unknown => undefined, maxBatch: 0 }, "batchSpanSink.maxBatch must be an integer >= 1"],
    [{ send: (): unknown => undefined, size: 0 }, "batchSpanSink.size"],
  ])("refuses %o", (options, message) => {
    expect(() => batchSpanSink(options as never)).toThrow(message);
  });
});

describe("otlpSpanSink", () => {
  it("waits as long as the collector asks, and takes no redirect for an answer", async () => {
    const clock = new VirtualClock();
    const redirects: unknown[] = [];
    const answers = [{ status: 429, headers: new Headers({ "retry-after": "60" }) }, { status: 200 }];
    const sink = otlpSpanSink({
      url: "http://127.0.0.1:4318/v1/traces",
      service: "shop",
      fetch: async (_, { redirect }) => {
        redirects.push(redirect);
        return answers.shift() ?? { status: 400 };
      },
      clock,
    });
    createTracer({ clock, sinks: [sink] })
      .startSpan("a")
      .end();
    await clock.advance(61_000);
    expect(sink.metrics).toMatchObject({ buffered: 1, sent: 0, failures: 1 });
    await clock.advance(2_000);
    expect(sink.metrics).toMatchObject({ buffered: 0, sent: 1, failures: 1 });
    expect(redirects).toEqual(["error", "error"]);
  });

  it("posts what collectors take", async () => {
    const clock = new VirtualClock();
    const posted: { url: string; headers: Readonly<Record<string, string>>; body: string }[] = [];
    const answers = [503, 200];
    const sink = otlpSpanSink({
      url: "http://127.0.0.1:4318/v1/traces",
      service: "shop",
      resource: { "service.version": "1.2.3" },
      headers: { authorization: "x" },
      fetch: async (url, { headers, body }) => {
        posted.push({ url, headers, body });
        return { status: answers.shift() ?? 400 };
      },
      clock,
    });
    const tracer = createTracer({ clock, random: seededRandom(5), sinks: [sink] });
    const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true };
    const span = tracer.startSpan("GET /x", {
      kind: "server",
      parent: { ...parent, isRemote: true, traceState: "a=1" },
      startedAt: 1_700_000_000_000.25,
      attributes: { text: "a", whole: 3, broken: 0.5, flag: true, list: ["x", "y"], none: Number.NaN },
      links: [{ context: parent }],
    });
    span.addEvent("halfway", { n: 1 }, 1_700_000_000_001);
    span.setStatus({ code: "error", message: "no" });
    span.end(1_700_000_000_002.25);
    await clock.advance(4_000);
    expect(posted).toHaveLength(2);
    expect(posted[1]?.body).toBe(posted[0]?.body);
    expect(posted[0]).toMatchObject({
      url: "http://127.0.0.1:4318/v1/traces",
      headers: { authorization: "x", "content-type": "application/json" },
    });
    expect(JSON.parse(posted[0]?.body ?? "")).toEqual({
      resourceSpans: [
        {
          resource: {
            attributes: [
              { key: "service.version", value: { stringValue: "1.2.3" } },
              { key: "service.name", value: { stringValue: "shop" } },
            ],
          },
          scopeSpans: [
            {
              scope: { name: "holdfast" },
              spans: [
                {
                  traceId: parent.traceId,
                  spanId: span.spanId,
                  parentSpanId: parent.spanId,
                  traceState: "a=1",
                  flags: 0x301,
                  name: "GET /x",
                  kind: 2,
                  startTimeUnixNano: "1700000000000250000",
                  endTimeUnixNano: "1700000000002250000",
                  attributes: [
                    { key: "text", value: { stringValue: "a" } },
                    { key: "whole", value: { intValue: "3" } },
                    { key: "broken", value: { doubleValue: 0.5 } },
                    { key: "flag", value: { boolValue: true } },
                    { key: "list", value: { arrayValue: { values: [{ stringValue: "x" }, { stringValue: "y" }] } } },
                    { key: "none", value: { doubleValue: "NaN" } },
                  ],
                  droppedAttributesCount: 0,
                  events: [
                    {
                      timeUnixNano: "1700000000001000000",
                      name: "halfway",
                      attributes: [{ key: "n", value: { intValue: "1" } }],
                    },
                  ],
                  droppedEventsCount: 0,
                  links: [{ traceId: parent.traceId, spanId: parent.spanId, attributes: [] }],
                  droppedLinksCount: 0,
                  status: { code: 2, message: "no" },
                },
              ],
            },
          ],
        },
      ],
    });
    tracer.startSpan("refused").end();
    await tracer.flush();
    expect(sink.metrics).toMatchObject({ sent: 1, dropped: 1, failures: 1 });
    await sink.close();
  });

  it.each([
    [{ url: "ftp://x", service: "s", fetch }, "otlpSpanSink.url must be an http or https URL"],
    [{ url: "http://x", service: "", fetch }, "otlpSpanSink.service must be 1 to 128 characters"],
    [{ url: "http://x", service: "s" }, "otlpSpanSink.fetch must be a function"],
  ])("refuses %o", (options, message) => {
    expect(() => otlpSpanSink(options as never)).toThrow(message);
  });
});
