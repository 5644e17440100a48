import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { tracing } from "./tracing.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("hono's tracing", () => {
  it("answers in the caller's trace, in a span named by the route", async () => {
    const { tracer, spans } = recordSpans();
    const app = new Hono();
    app.use(tracing(tracer));
    app.get("/items/:id", async (context) => {
      await tracer.inSpan("query", async () => undefined);
      return context.json({ trace: tracer.current()?.traceId });
    });
    app.get("/broken", () => {
      throw new Error("no");
    });
    app.onError((_error, context) => context.text("broken", 500));
    const answer = await app.request("/items/1?token=x", { headers: { traceparent, tracestate: "a=1" } });
    expect(await answer.json()).toEqual({ trace: "0af7651916cd43dd8448eb211c80319c" });
    expect(spans[1]).toMatchObject({
      name: "GET /items/:id",
      kind: "server",
      parentSpanId: "b7ad6b7169203331",
      traceState: "a=1",
      attributes: { "url.path": "/items/1", "http.route": "/items/:id", "http.response.status_code": 200 },
    });
    expect(spans[0]?.parentSpanId).toBe(spans[1]?.spanId);
    expect((await app.request("/broken")).status).toBe(500);
    expect(spans[2]).toMatchObject({
      name: "GET /broken",
      status: { code: "error" },
      events: [{ name: "exception", attributes: { "exception.message": "no" } }],
    });
    expect(spans[2]).not.toHaveProperty("parentSpanId");
    expect((await app.request("/nowhere")).status).toBe(404);
    expect(spans[3]).toMatchObject({ name: "GET", attributes: { "http.response.status_code": 404 } });
  });

  it("refuses what is no tracer", () => {
    expect(() => tracing({} as never)).toThrow("hono.tracer must be a tracer");
  });
});
