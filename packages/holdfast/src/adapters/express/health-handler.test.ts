import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import express, { type Express, type Request } from "express";
import { expect, it } from "vitest";
import { createHealth } from "../../telemetry/index.ts";
import { healthSuite } from "../http-server/testing/health-suite.ts";
import { get, send } from "../http-server/testing/plain-client.ts";
import type { TestServer } from "../http-server/testing/shedding-suite.ts";
import { healthHandler } from "./index.ts";

async function listen(app: Express): Promise<TestServer> {
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

healthSuite<Request>("express", {
  async start(health, options, workshop) {
    const app = express();
    app.set("env", "test");
    app.use(healthHandler(health, options));
    app.get("/work", async (_request, response) => void response.send(await workshop.work(undefined)));
    app.get("/stream", (_request, response) => void Readable.from(workshop.stream()).pipe(response));
    app.get("/throw", () => {
      throw new Error("the handler's own");
    });
    return listen(app);
  },
  header: (request, name) => request.get(name),
  isNode: true,
});

it("express: a request whose client had gone before is not in flight", async () => {
  const health = createHealth();
  const app = express();
  const { promise: seen, resolve } = Promise.withResolvers<number>();
  app.use((_request, response, next) => {
    response.once("close", () => setImmediate(next));
    response.destroy();
  });
  app.use(healthHandler(health));
  app.get("/", () => resolve(health.inFlight));
  const server = await listen(app);
  const lost = send(server.url);
  await expect(lost.reply).rejects.toThrow();
  expect(await seen).toBe(0);
  await server.close();
});

it("express: on a router, it answers by the whole path", async () => {
  const app = express();
  const router = express.Router();
  router.use(healthHandler(createHealth()));
  app.use("/api", router);
  app.use(healthHandler(createHealth()));
  const server = await listen(app);
  expect((await get(`${server.url}/livez`)).status).toBe(200);
  expect((await get(`${server.url}/api/livez`)).status).toBe(404);
  await server.close();
});
