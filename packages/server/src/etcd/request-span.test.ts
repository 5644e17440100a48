import { once } from "node:events";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { createMemoryMember } from "holdfast/coordination";
import { createTracer, type FinishedSpan } from "holdfast/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { serveMember, type ServeEvent } from "../serve.ts";
import { wireType } from "./wire-type.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${spanId}-01`;
const any = { host: "127.0.0.1", port: 0 };
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve() {
  const spans: FinishedSpan[] = [];
  const tracer = createTracer({ sinks: [{ write: (span) => void spans.push(span) }] });
  const inside: (string | undefined)[] = [];
  /** In whose trace each request was told of. */
  const told: (string | undefined)[] = [];
  const inner = createMemoryMember();
  const put: typeof inner.put = (request, options) => {
    inside.push(tracer.current()?.spanId);
    return inner.put(request, options);
  };
  const onEvent = ({ type }: ServeEvent): void => {
    if (type === "request") told.push(tracer.current()?.traceId);
  };
  const served = await serveMember({ member: { ...inner, put }, client: any, http: any, tracer, onEvent });
  closing.push(() => served.close());
  const { port } = served.clientAddress;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closing.push(() => client.close());
  const request = wireType("PutRequest");
  const callPut = (key: string, metadata: Metadata): Promise<number> =>
    new Promise((resolve) => {
      const message = { key: Buffer.from(key), value: Buffer.from("v") };
      const call = client.makeUnaryRequest(
        "/etcdserverpb.KV/Put",
        (value: typeof message) => request.encode(value as never),
        (bytes: Buffer) => bytes,
        message,
        metadata,
        () => undefined,
      );
      void once(call, "status").then(([status]) => resolve((status as { readonly code: number }).code));
    });
  return { spans, inside, told, origin: `http://127.0.0.1:${port}`, callPut };
}

describe("requests", () => {
  it("are answered in a span of the caller's trace, over gRPC and HTTP", async () => {
    const { spans, inside, told, origin, callPut } = await serve();
    const metadata = new Metadata();
    metadata.set("traceparent", traceparent);
    metadata.set("tracestate", "a=1");
    expect(await callPut("k", metadata)).toBe(0);
    const body = JSON.stringify({ key: btoa("k"), value: btoa("v") });
    const answer = await fetch(`${origin}/v3/kv/put`, { method: "POST", body, headers: { traceparent } });
    await answer.text();
    expect(answer.status).toBe(200);
    expect(spans).toHaveLength(2);
    for (const span of spans) {
      expect(span).toMatchObject({ name: "etcdserverpb.KV/Put", kind: "server", traceId, parentSpanId: spanId });
      expect(span.attributes).toMatchObject({ "rpc.service": "etcdserverpb.KV", "rpc.grpc.status_code": 0 });
    }
    expect(spans[0]?.traceState).toBe("a=1");
    expect(spans.map(({ attributes }) => attributes["holdfast.transport"])).toEqual(["grpc", "http"]);
    expect(inside).toEqual(spans.map((span) => span.spanId));
    expect(told).toEqual([traceId, traceId]);
  });

  it("begin a trace where none is named, and are no failure of the server's when the caller is wrong", async () => {
    const { spans, callPut } = await serve();
    const metadata = new Metadata();
    metadata.set("traceparent", "nonsense");
    expect(await callPut("", metadata)).toBe(3);
    expect(spans).toMatchObject([{ status: { code: "unset" }, attributes: { "rpc.grpc.status_code": 3 } }]);
    expect(spans[0]).not.toHaveProperty("parentSpanId");
  });

  it("that stream have one until they stand, and what they tell later is of no trace", async () => {
    const { spans, inside, origin, callPut } = await serve();
    const stop = new AbortController();
    const body = JSON.stringify({ create_request: { key: btoa("k") } });
    const watch = { method: "POST", body, headers: { traceparent }, signal: stop.signal };
    const answer = await fetch(`${origin}/v3/watch`, watch);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain('"created":true');
    expect(spans).toMatchObject([{ name: "etcdserverpb.Watch/Watch", kind: "server", traceId, parentSpanId: spanId }]);
    expect(await callPut("k", new Metadata())).toBe(0);
    expect((await reader.read()).value).toContain('"events":');
    stop.abort();
    // The put's own alone.
    expect(spans.slice(1).map((span) => span.spanId)).toEqual(inside);
    expect(spans[1]?.traceId).not.toBe(traceId);
  });

  it("that wait for one answer are served in theirs, and end with their callers", async () => {
    const { spans, origin } = await serve();
    const lock = (signal?: AbortSignal): Promise<Response> => {
      const body = JSON.stringify({ name: btoa("l") });
      return fetch(`${origin}/v3/lock/lock`, {
        method: "POST",
        body,
        headers: { traceparent },
        ...(signal && { signal }),
      });
    };
    expect((await lock()).status).toBe(200);
    const held = spans.splice(0).find(({ name }) => name === "v3lockpb.Lock/Lock");
    expect(held).toMatchObject({ traceId, parentSpanId: spanId, status: { code: "unset" } });
    const stop = new AbortController();
    const second = lock(stop.signal).catch((error: unknown) => error);
    await expect
      .poll(
        async () =>
          (
            (await (
              await fetch(`${origin}/v3/kv/range`, {
                method: "POST",
                body: JSON.stringify({ key: btoa("l/"), range_end: btoa("l0") }),
              })
            ).json()) as { readonly count: string }
          ).count,
      )
      .toBe("2");
    expect(spans.some(({ name }) => name === "v3lockpb.Lock/Lock")).toBe(false);
    stop.abort();
    await second;
    await expect.poll(() => spans.filter(({ name }) => name === "v3lockpb.Lock/Lock").length).toBe(1);
  });
});
