import {
  anything,
  array,
  assert,
  constantFrom,
  dictionary,
  oneof,
  property,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { extractTrace, injectTrace, type MessageHeaders } from "./message-headers.ts";
import { processInSpan, sendInSpan } from "./message-spans.ts";
import type { FinishedSpan } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";
import { createTracer } from "./tracer.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${spanId}-01`;
const context: TraceContext = { traceId, spanId, sampled: true };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Headers as NATS has them: the empty text for what is not there. */
class NatsLike {
  readonly #values = new Map<string, string[]>();
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? "";
  }
  set(name: string, value: string): void {
    this.#values.set(name, [value]);
  }
  delete(name: string): void {
    this.#values.delete(name);
  }
  keys(): string[] {
    return [...this.#values.keys()];
  }
}

function scene() {
  const spans: FinishedSpan[] = [];
  return { spans, tracer: createTracer({ sinks: [{ write: (span) => void spans.push(span) }] }) };
}

describe("the trace in a message's headers", () => {
  it.each<[string, () => MessageHeaders]>([
    ["an object", () => ({ "content-type": "x" })],
    ["an object without a prototype", () => Object.assign(Object.create(null) as Record<string, unknown>, { a: 1 })],
    ["a Map", () => new Map([["a", "b"]])],
    ["those of fetch", () => new Headers({ a: "b" })],
    ["those of NATS", () => new NatsLike()],
    ["the fields of a stream's entry", () => ["a", "b"]],
    ["fields as bytes", () => [Buffer.from("a"), Buffer.from("b")]],
  ])("is written and read: %s", (_, make) => {
    const headers = make();
    expect(extractTrace(headers)).toBeUndefined();
    expect(injectTrace(headers, undefined)).toBe(headers);
    expect(extractTrace(headers)).toBeUndefined();
    expect(injectTrace(headers, { ...context, traceState: "a=1" })).toBe(headers);
    expect(extractTrace(headers)).toMatchObject({ ...context, traceState: "a=1", isRemote: true });
    // The state of the one before does not stay.
    const next = { ...context, spanId: "1".repeat(16), sampled: false };
    injectTrace(headers, next);
    expect(extractTrace(headers)).toMatchObject(next);
    expect(extractTrace(headers)).not.toHaveProperty("traceState");
  });

  it.each<[string, unknown]>([
    ["Kafka's bytes", { traceparent: Buffer.from(traceparent), tracestate: Buffer.from("a=1") }],
    ["Kafka's, given twice", { traceparent: [Buffer.from(traceparent)], tracestate: [Buffer.from("a=1"), "b=2"] }],
    ["AMQP's, from another language", { Traceparent: traceparent, TraceState: "a=1" }],
    [
      "a stream's, as bytes",
      [text("x"), text("1"), text("traceparent"), text(traceparent), text("tracestate"), text("a=1")],
    ],
    [
      "of a table with names of its own",
      new Map([
        ["TRACEPARENT", traceparent],
        ["tracestate", "a=1"],
      ]),
    ],
  ])("is read: %s", (_, headers) => {
    expect(extractTrace(headers)).toMatchObject(context);
    expect(extractTrace(headers)?.traceState).toMatch(/^a=1/);
  });

  it.each<[string, unknown]>([
    ["none", undefined],
    ["null, as of a message without headers", null],
    ["a text", traceparent],
    ["one with two parents", { traceparent: [traceparent, traceparent] }],
    ["a number", { traceparent: 7 }],
    ["a longer one than any", { traceparent: Buffer.alloc(1_000_000) }],
    ["bytes that are no text", { traceparent: Uint8Array.of(255, 254) }],
    ["a name without a value", ["traceparent"]],
    ["a value in a name's place", ["x", "traceparent", traceparent, "y"]],
    [
      "one that throws",
      {
        get traceparent(): string {
          throw new Error("a getter");
        },
      },
    ],
    ["one inherited", Object.create({ traceparent }) as unknown],
  ])("is not there, and nothing is thrown: %s", (_, headers) => {
    expect(extractTrace(headers)).toBeUndefined();
  });

  it("is found among any others, and leaves them as they are", () => {
    const value = oneof(string(), uint8Array(), array(string()), constantFrom(null, 1, true));
    const other = string().filter((name) => !["traceparent", "tracestate", "__proto__"].includes(name.toLowerCase()));
    assert(
      property(dictionary(other, value, { noNullPrototype: true }), array(tuple(other, value)), (record, pairs) => {
        const before = { ...record };
        expect(injectTrace(record, context)).toEqual({ ...before, traceparent });
        expect(extractTrace(record)).toMatchObject(context);
        const list: unknown[] = pairs.flat();
        const were = [...list];
        injectTrace(injectTrace(list, { ...context, traceState: "x=y" }), context);
        expect(list).toEqual([...were, "traceparent", traceparent]);
        expect(extractTrace(list)).toMatchObject(context);
      }),
    );
  });

  it("is read out of anything at all without a throw", () => {
    assert(property(anything(), (headers) => extractTrace(headers) === undefined));
  });

  it("is refused where there is no room for it", () => {
    expect(() => injectTrace(undefined as never, context)).toThrow("injectTrace.headers must be headers of a message");
  });
});

describe("spans of messages", () => {
  const place = { system: "kafka", destination: "orders" };

  it("are a producer's, in the current one, and a consumer's in the same trace", async () => {
    const { spans, tracer } = scene();
    const sent: Record<string, unknown>[] = [];
    await tracer.inSpan("checkout", () =>
      sendInSpan({ ...place, tracer, messageId: "7" }, async (headers, span) => {
        expect(tracer.current()).toBe(span);
        sent.push(headers);
      }),
    );
    const inside = processInSpan(
      { ...place, tracer, headers: sent[0], messageId: "7" },
      () => tracer.current()?.spanId,
    );
    const [send, checkout, process] = spans;
    expect(send).toMatchObject({
      name: "send orders",
      kind: "producer",
      parentSpanId: checkout?.spanId,
      attributes: {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.operation.type": "send",
        "messaging.message.id": "7",
      },
    });
    expect(process).toMatchObject({
      name: "process orders",
      kind: "consumer",
      traceId: send?.traceId,
      parentSpanId: send?.spanId,
      isParentRemote: true,
      links: [],
    });
    expect(inside).toBe(process?.spanId);
  });

  it("link a batch to its senders, and begin a trace of their own", () => {
    const { spans, tracer } = scene();
    const headers = ["1", "2"].map((digit) => injectTrace({}, { ...context, traceId: digit.repeat(32) }));
    // Whatever was under way where the batch came is not its cause.
    tracer.inSpan("poll", () =>
      processInSpan({ ...place, tracer, batch: [...headers, undefined, {}] }, () => undefined),
    );
    const [process] = spans;
    expect(process).not.toHaveProperty("parentSpanId");
    expect(process?.links.map((link) => link.context.traceId)).toEqual(["1".repeat(32), "2".repeat(32)]);
    expect(process?.attributes["messaging.batch.message_count"]).toBe(4);
    processInSpan({ ...place, tracer, headers: headers[0], sender: "link" }, () => undefined);
    expect(spans.at(-1)).not.toHaveProperty("parentSpanId");
    expect(spans.at(-1)?.links).toHaveLength(1);
  });

  it("fail with what fails in them", async () => {
    const { spans, tracer } = scene();
    const failing = (): Promise<never> => Promise.reject(Object.assign(new Error("full"), { code: "EFULL" }));
    await expect(sendInSpan({ ...place, tracer }, failing)).rejects.toThrow("full");
    await expect(processInSpan({ ...place, tracer, headers: null }, failing)).rejects.toThrow("full");
    for (const span of spans)
      expect(span).toMatchObject({ status: { code: "error" }, attributes: { "error.type": "EFULL" } });
    expect(spans).toHaveLength(2);
  });

  it.each([
    [{ ...place, destination: "" }, "processInSpan.destination must be 1 to 1024 characters"],
    [{ ...place, tracer: {} }, "processInSpan.tracer must be a tracer"],
    [{ ...place, batch: [], headers: {} }, "processInSpan.batch must be a list, without headers"],
    [{ ...place, batch: [], sender: "parent" }, "processInSpan.sender must be"],
    [{ ...place, colour: 1 }, "processInSpan.colour"],
  ])("refuses %o", (options, message) => {
    const { tracer } = scene();
    expect(() => processInSpan({ tracer, ...options } as never, () => undefined)).toThrow(message);
  });
});
