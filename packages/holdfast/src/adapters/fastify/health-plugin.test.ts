import { Readable } from "node:stream";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { expect, it } from "vitest";
import { createHealth } from "../../telemetry/index.ts";
import { healthSuite } from "../http-server/testing/health-suite.ts";
import { Http2Client } from "../http-server/testing/http2-client.ts";
import type { TestServer } from "../http-server/testing/shedding-suite.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { healthPlugin } from "./index.ts";

async function listen(app: FastifyInstance): Promise<TestServer> {
  return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
}

healthSuite<FastifyRequest>("fastify", {
  async start(health, options, workshop) {
    const app = fastify();
    await app.register(healthPlugin, { health, ...options });
    app.get("/work", () => workshop.work(undefined));
    app.get("/stream", (_request, reply) => reply.send(Readable.from(workshop.stream())));
    app.get("/throw", () => {
      throw new Error("the handler's own");
    });
    return listen(app);
  },
  header: (request, name) => request.headers[name] as string | undefined,
  isNode: true,
});

it("fastify: counts and answers over HTTP/2, where a client that resets its stream has gone", async () => {
  const workshop = new Workshop();
  const health = createHealth();
  const app = fastify({ http2: true });
  await app.register(healthPlugin, { health });
  app.get("/work", () => workshop.work(undefined));
  const client = new Http2Client(await app.listen({ port: 0, host: "127.0.0.1" }));
  const first = client.open("/work");
  await workshop.until(() => workshop.running === 1);
  expect((await client.get("/readyz")).status).toBe(200);
  expect(health.inFlight).toBe(1);
  const drained = health.drain();
  expect((await client.get("/readyz")).status).toBe(503);
  first.close(8);
  expect(await drained).toEqual({ left: 0 });
  workshop.release();
  client.close();
  await app.close();
});

it("fastify: counts injected requests, hijacked replies and unknown routes no longer than they are", async () => {
  const health = createHealth();
  const app = fastify();
  await app.register(healthPlugin, { health });
  app.get("/hijacked", (_request, reply) => {
    reply.hijack();
    reply.raw.end("raw");
  });
  const answers = await Promise.all(["/livez", "/hijacked", "/nowhere"].map((path) => app.inject(path)));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 404]);
  expect(await health.drain()).toEqual({ left: 0 });
  await app.close();
});
