import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { streamText } from "hono/streaming";
import { describe, expect, it } from "vitest";
import { bulkhead, circuitBreaker, pipeline } from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { serveFetch } from "../http-server/testing/fetch-server.ts";
import { sheddingSuite } from "../http-server/testing/shedding-suite.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { requestSignal, shedding } from "./index.ts";

function appOf(workshop: Workshop, ...middleware: Parameters<Hono["use"]>[1][]): Hono {
  const app = new Hono();
  for (const each of middleware) app.use(each);
  app.get("/health", (context) => context.text("well"));
  app.all("/work", async (context) => {
    const sent = await context.req.text();
    return context.text(sent + (await workshop.work(requestSignal(context.req.raw))));
  });
  app.get("/stream", (context) =>
    streamText(context, async (stream) => {
      for await (const part of workshop.stream()) await stream.write(part);
    }),
  );
  app.get("/throw", () => {
    throw new Error("the handler's own");
  });
  app.get("/status/:code", (context) => {
    const code = context.req.param("code");
    return context.text(`status ${code}`, Number(code) as 200);
  });
  // The framework's own way to say 500, without printing the error.
  app.onError((_error, context) => context.text("Internal Server Error", 500));
  return app;
}

sheddingSuite<Context>("hono", {
  async start(policy, options, workshop) {
    const app = appOf(workshop, shedding(policy, options));
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    await once(server, "listening");
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: async () => {
        server.close();
        await once(server, "close");
      },
    };
  },
  header: (context, name) => context.req.header(name),
  clock: () => new VirtualClock(),
});

sheddingSuite<Context>("hono, by fetch alone", {
  async start(policy, options, workshop) {
    const app = appOf(workshop, shedding(policy, options));
    return serveFetch((request) => app.fetch(request));
  },
  header: (context, name) => context.req.header(name),
  clock: () => new VirtualClock(),
});

describe("hono away from Node's server", () => {
  it("the permit is out until the body has been read to the end, or is no longer wanted", async () => {
    const workshop = new Workshop();
    const policy = bulkhead({ maxConcurrent: 1, maxQueue: 0 });
    const app = appOf(workshop, shedding(policy));
    workshop.release();
    const streamed = await app.request("/stream");
    expect([policy.metrics.active, (await app.request("/health")).status]).toEqual([1, 503]);
    expect(await streamed.text()).toBe("firstlast");
    expect(policy.metrics.active).toBe(0);
    const unwanted = await app.request("/stream");
    expect(policy.metrics.active).toBe(1);
    await unwanted.body?.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect(policy.metrics.active).toBe(0);
    const whole = await app.request("/health");
    expect([await whole.text(), whole.headers.get("content-type")]).toEqual(["well", "text/plain;charset=UTF-8"]);
    expect(policy.metrics.active).toBe(0);
  });

  it("a body that breaks off and a failed handler are failures, a client that goes is none", async () => {
    const workshop = new Workshop();
    const breaker = circuitBreaker({ window: { kind: "count", size: 10 }, minimumCalls: 10 });
    const policy = bulkhead({ maxConcurrent: 1 });
    const app = appOf(workshop, shedding(pipeline(policy, breaker)));
    app.get(
      "/broken",
      () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) })),
    );
    expect(await (await app.request("/throw")).text()).toBe("Internal Server Error");
    await expect((await app.request("/broken")).text()).rejects.toThrow("cut");
    expect(breaker.metrics.totals).toMatchObject({ failures: 2, successes: 0 });

    const client = new AbortController();
    const gone = app.request("/work", { signal: client.signal });
    await workshop.until(() => workshop.running === 1);
    const waiting = new AbortController();
    const queued = app.request("/work", { signal: waiting.signal });
    await new Promise((resolve) => setImmediate(resolve));
    expect(policy.metrics).toMatchObject({ active: 1, waiting: 1 });
    waiting.abort();
    expect((await queued).status).toBe(499);
    expect(policy.metrics).toMatchObject({ active: 1, waiting: 0 });
    client.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect([workshop.aborted, policy.metrics.active]).toEqual([1, 0]);
    workshop.release();
    await gone;
    expect((await app.request("/work", { signal: client.signal })).status).toBe(499);
    expect(breaker.metrics.totals).toMatchObject({ failures: 2, successes: 0 });
    expect(policy.metrics).toMatchObject({ active: 0, waiting: 0 });
  });
});
