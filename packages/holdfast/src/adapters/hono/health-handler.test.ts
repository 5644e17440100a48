import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { streamText } from "hono/streaming";
import { expect, it } from "vitest";
import { createHealth } from "../../telemetry/index.ts";
import { serveFetch } from "../http-server/testing/fetch-server.ts";
import { healthSuite } from "../http-server/testing/health-suite.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { healthHandler } from "./index.ts";

function appOf(workshop: Workshop, ...handler: Parameters<typeof healthHandler>): Hono {
  const app = new Hono();
  app.use(healthHandler(...handler));
  app.get("/work", async (context) => context.text(await workshop.work(undefined)));
  app.get("/stream", (context) =>
    streamText(context, async (stream) => {
      for await (const part of workshop.stream()) await stream.write(part);
    }),
  );
  app.get("/throw", () => {
    throw new Error("the handler's own");
  });
  app.onError((_error, context) => context.text("Internal Server Error", 500));
  return app;
}

healthSuite<Context>("hono", {
  async start(health, options, workshop) {
    const { fetch } = appOf(workshop, health, options);
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }) as Server;
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
  isNode: true,
});

healthSuite<Context>("hono, by fetch alone", {
  async start(health, options, workshop) {
    const app = appOf(workshop, health, options);
    return serveFetch((request) => app.fetch(request));
  },
  header: (context, name) => context.req.header(name),
  isNode: false,
});

it("hono away from Node's server: in flight until the body has been read to the end, or is no longer wanted", async () => {
  const workshop = new Workshop();
  const health = createHealth();
  const app = appOf(workshop, health);
  workshop.release();
  const read = await app.request("/stream");
  expect(health.inFlight).toBe(1);
  expect(await read.text()).toBe("firstlast");
  expect(health.inFlight).toBe(0);
  const unwanted = await app.request("/stream");
  expect(health.inFlight).toBe(1);
  await unwanted.body?.cancel();
  expect(await health.drain()).toEqual({ left: 0 });
});
