import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import express, { type Request, type RequestHandler } from "express";
import { expect, it } from "vitest";
import { bulkhead } from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { get } from "../http-server/testing/plain-client.ts";
import { sheddingSuite, type TestServer } from "../http-server/testing/shedding-suite.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { requestSignal, shedding } from "./index.ts";

async function listen(app: RequestListener): Promise<TestServer> {
  const server = createServer(app);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

sheddingSuite<Request>("express", {
  async start(policy, options, workshop) {
    const app = express();
    app.set("env", "test");
    app.use(shedding(policy, options));
    app.get("/health", (_request, response) => void response.send("well"));
    const work: RequestHandler = (request, response) => {
      const sent: unknown = request.body;
      const body = typeof sent === "string" ? sent : "";
      return workshop.work(requestSignal(request)).then((done) => void response.send(body + done));
    };
    app.all("/work", express.text({ limit: "1mb" }), work);
    app.get("/stream", (_request, response) => void Readable.from(workshop.stream()).pipe(response));
    app.get("/throw", () => {
      throw new Error("the handler's own");
    });
    app.get("/status/:code", (request, response) => {
      response.status(Number(request.params.code)).send(`status ${request.params.code}`);
    });
    return listen(app);
  },
  header: (request, name) => request.get(name),
  clock: () => new VirtualClock(),
});

it("express: a request that waited goes on in its own asynchronous context", async () => {
  const workshop = new Workshop();
  const policy = bulkhead({ maxConcurrent: 1, onEvent: workshop.poke });
  const storage = new AsyncLocalStorage<string>();
  const app = express();
  app.use((request, _response, next) => storage.run(request.get("x-id") ?? "", next));
  app.use(shedding(policy));
  app.get("/who", async (_request, response) => {
    await workshop.work(undefined);
    response.send(storage.getStore());
  });
  const server = await listen(app);
  const first = get(`${server.url}/who`, { "x-id": "first" });
  await workshop.until(() => workshop.running === 1);
  const second = get(`${server.url}/who`, { "x-id": "second" });
  await workshop.until(() => policy.metrics.waiting === 1);
  workshop.release();
  expect([(await first).body, (await second).body]).toEqual(["first", "second"]);
  await server.close();
});

it("express: on a router of its own it concerns that alone, and skips by the whole path", async () => {
  const workshop = new Workshop();
  const app = express();
  const router = express.Router();
  router.use(shedding(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), { skip: ["/api/health"] }));
  router.get("/work", async (_request, response) => void response.send(await workshop.work(undefined)));
  router.get("/health", (_request, response) => void response.send("well"));
  app.use("/api", router);
  app.get("/work", (_request, response) => void response.send("free"));
  const server = await listen(app);
  const first = get(`${server.url}/api/work`);
  await workshop.until(() => workshop.running === 1);
  const statuses = await Promise.all(
    ["/api/work", "/api/health", "/work"].map(async (path) => (await get(server.url + path)).status),
  );
  expect(statuses).toEqual([503, 200, 200]);
  workshop.release();
  await first;
  await server.close();
});
