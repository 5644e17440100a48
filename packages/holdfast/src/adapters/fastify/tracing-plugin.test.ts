import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { tracingPlugin } from "./tracing-plugin.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("the tracing plugin", () => {
  it("answers in the caller's trace, also after a body was read, in a span named by the route", async () => {
    const { tracer, spans, ended } = recordSpans();
    const app = fastify();
    await app.register(tracingPlugin, { tracer });
    app.post("/items/:id", async () => {
      await tracer.inSpan("query", async () => undefined);
      return { trace: tracer.current()?.traceId };
    });
    app.get("/broken", async () => {
      throw new Error("no");
    });
    const origin = await app.listen({ host: "127.0.0.1", port: 0 });
    const headers = { traceparent, tracestate: "a=1", "content-type": "application/json" };
    const body = JSON.stringify({ long: "x".repeat(200_000) });
    const answer = await fetch(`${origin}/items/1?token=x`, { method: "POST", body, headers });
    expect(await answer.json()).toEqual({ trace: "0af7651916cd43dd8448eb211c80319c" });
    await ended(2);
    expect(spans[1]).toMatchObject({
      name: "POST /items/:id",
      kind: "server",
      parentSpanId: "b7ad6b7169203331",
      traceState: "a=1",
      attributes: { "url.path": "/items/1", "http.route": "/items/:id", "http.response.status_code": 200 },
    });
    expect(spans[0]?.parentSpanId).toBe(spans[1]?.spanId);
    await (await fetch(`${origin}/broken`)).text();
    await ended(3);
    expect(spans[2]).toMatchObject({ name: "GET /broken", status: { code: "error" } });
    expect(spans[2]).not.toHaveProperty("parentSpanId");
    await app.close();
  });

  it("refuses what is no tracer", async () => {
    const app = fastify();
    await expect(app.register(tracingPlugin, { tracer: {} as never }).ready()).rejects.toThrow(
      "fastify.tracer must be",
    );
  });
});
