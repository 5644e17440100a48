import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express, { Router } from "express";
import { describe, expect, it } from "vitest";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { problems } from "./problem-handler.ts";
import { tracing } from "./tracing.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("express' tracing", () => {
  it("answers in the caller's trace, in a span named by the route", async () => {
    const { tracer, spans, ended } = recordSpans();
    const app = express();
    app.use(tracing(tracer), express.json());
    const router = Router();
    router.post("/items/:id", async (_request, response) => {
      await tracer.inSpan("query", async () => undefined);
      response.json({ trace: tracer.current()?.traceId });
    });
    app.use("/api", router);
    app.get("/broken", () => {
      throw new Error("no");
    });
    app.get("/late", () => undefined);
    app.use(problems());
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = await fetch(`${origin}/api/items/1?token=x`, {
      method: "POST",
      body: '{"a":1}',
      headers: { traceparent, tracestate: "a=1", "content-type": "application/json" },
    });
    expect(await answer.json()).toEqual({ trace: "0af7651916cd43dd8448eb211c80319c" });
    await ended(2);
    expect(spans[1]).toMatchObject({
      name: "POST /api/items/:id",
      kind: "server",
      parentSpanId: "b7ad6b7169203331",
      isParentRemote: true,
      traceState: "a=1",
      attributes: { "url.path": "/api/items/1", "http.route": "/api/items/:id", "http.response.status_code": 200 },
      status: { code: "unset" },
    });
    expect(spans[0]?.parentSpanId).toBe(spans[1]?.spanId);

    await (await fetch(`${origin}/broken`, { headers: { traceparent: "nonsense" } })).text();
    await ended(3);
    expect(spans[2]).toMatchObject({ name: "GET /broken", status: { code: "error" } });
    expect(spans[2]).not.toHaveProperty("parentSpanId");

    await (await fetch(`${origin}/nowhere`)).text();
    await ended(4);
    expect(spans[3]).toMatchObject({ name: "GET", status: { code: "unset" } });

    const leaving = new AbortController();
    const late = fetch(`${origin}/late`, { signal: leaving.signal }).catch(() => "gone");
    await once(server, "request");
    leaving.abort();
    expect(await late).toBe("gone");
    await ended(5);
    expect(spans[4]).toMatchObject({ name: "GET /late", events: [{ name: "abandoned" }] });
    server.close();
    server.closeAllConnections();
  });

  it("refuses what is no tracer", () => {
    expect(() => tracing({} as never)).toThrow("express.tracer must be a tracer");
  });
});
