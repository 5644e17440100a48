import { Readable } from "node:stream";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { expect, it } from "vitest";
import { bulkhead, rateLimiter } from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { Http2Client } from "../http-server/testing/http2-client.ts";
import { get } from "../http-server/testing/plain-client.ts";
import { checkProblem } from "../http-server/testing/problem-check.ts";
import { sheddingSuite, type TestServer } from "../http-server/testing/shedding-suite.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { requestSignal, sheddingPlugin } from "./index.ts";

async function listen(app: FastifyInstance): Promise<TestServer> {
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return { url, close: () => app.close() };
}

sheddingSuite<FastifyRequest>("fastify", {
  async start(policy, options, workshop) {
    const app = fastify();
    await app.register(sheddingPlugin, { policy, ...options });
    app.get("/health", async () => "well");
    app.route({
      method: ["GET", "POST"],
      url: "/work",
      handler: async (request) =>
        `${(request.body as string | null | undefined) ?? ""}${await workshop.work(requestSignal(request))}`,
    });
    app.get("/stream", (_request, reply) => reply.send(Readable.from(workshop.stream())));
    app.get("/throw", () => {
      throw new Error("the handler's own");
    });
    app.get<{ Params: { code: string } }>("/status/:code", async (request, reply) => {
      const { code } = request.params;
      return reply.code(Number(code)).send(`status ${code}`);
    });
    return listen(app);
  },
  header: (request, name) => request.headers[name] as string | undefined,
  clock: () => new VirtualClock(),
});

it("fastify: routes override options, or turn it off, also those that were there before the plugin was ready", async () => {
  const workshop = new Workshop();
  const app = fastify();
  void app.register(sheddingPlugin, { policy: bulkhead({ maxConcurrent: 1, maxQueue: 0 }), retryAfterMs: 5_000 });
  const work = async (): Promise<string> => workshop.work(undefined);
  app.get("/work", work);
  app.get("/own", { config: { shedding: { policy: bulkhead({ maxConcurrent: 2, maxQueue: 0 }), status: 429 } } }, work);
  app.get("/free", { config: { shedding: false } }, async () => "free");
  const server = await listen(app);
  const running = ["/work", "/own", "/own"].map((path) => get(server.url + path));
  await workshop.until(() => workshop.running === 3);
  const shed = await Promise.all(["/work", "/own", "/free"].map((path) => get(server.url + path)));
  expect(shed.map(({ status, headers }) => [status, headers["retry-after"]])).toEqual([
    [503, "5"],
    [429, "5"],
    [200, undefined],
  ]);
  workshop.release();
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200, 200]);
  await server.close();
});

it("fastify: a route whose options are wrong is refused when it is made", async () => {
  const app = fastify();
  await app.register(sheddingPlugin, { policy: bulkhead() });
  expect(() => app.get("/", { config: { shedding: { status: 42 } } }, async () => "")).toThrow(
    "fastify.status must be an integer >= 400 and <= 599 (got 42)",
  );
  await app.close();
});

it("fastify: registered below, it concerns what is below; and takes register's own options", async () => {
  const limits = { permits: 1, perMs: 60_000 };
  const app = fastify();
  await app.register(
    async (below) => {
      await below.register(sheddingPlugin, { policy: rateLimiter({ limits }), logLevel: "warn" });
      below.get("/x", async () => "below");
    },
    { prefix: "/api" },
  );
  app.get("/x", async () => "above");
  for (const [path, status] of [
    ["/api/x", 200],
    ["/api/x", 429],
    ["/x", 200],
    ["/x", 200],
  ] as const) {
    expect((await app.inject(path)).statusCode).toBe(status);
  }
  await app.close();
});

it("fastify: permits come back from injected requests, unknown routes and hijacked replies", async () => {
  const policy = bulkhead({ maxConcurrent: 1, maxQueue: 0 });
  const app = fastify();
  await app.register(sheddingPlugin, { policy });
  app.get("/hijacked", (_request, reply) => {
    reply.hijack();
    reply.raw.end("raw");
  });
  const server = await listen(app);
  for (const path of ["/nowhere", "/hijacked"]) {
    expect((await app.inject(path)).statusCode).toBe(path === "/nowhere" ? 404 : 200);
    await new Promise((resolve) => setImmediate(resolve));
    expect(policy.metrics.active).toBe(0);
  }
  expect((await get(`${server.url}/hijacked`)).body).toBe("raw");
  await server.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(policy.metrics).toMatchObject({ active: 0, rejected: 0 });
});

it("fastify: sheds over HTTP/2, and a stream that its client resets gives the permit back", async () => {
  const workshop = new Workshop();
  const policy = bulkhead({ maxConcurrent: 1, maxQueue: 0 });
  const app = fastify({ http2: true });
  await app.register(sheddingPlugin, { policy });
  app.get("/work", async () => workshop.work(undefined));
  const client = new Http2Client(await app.listen({ port: 0, host: "127.0.0.1" }));
  const first = client.open("/work");
  await workshop.until(() => workshop.running === 1);
  const { status, headers, body } = await client.get("/work");
  expect(checkProblem(status, headers, body)).toMatchObject({ status: 503, code: "BULKHEAD_FULL" });
  first.close(8);
  while (policy.metrics.active > 0) await new Promise((resolve) => setImmediate(resolve));
  workshop.release();
  expect((await client.get("/work")).body).toBe("done");
  client.close();
  await app.close();
  expect(policy.metrics).toMatchObject({ active: 0, rejected: 1 });
});
