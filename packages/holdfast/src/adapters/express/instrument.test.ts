import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { Router, type ErrorRequestHandler } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { instrumentService } from "../../telemetry/index.ts";
import { instrument, instrumentErrors } from "./instrument.ts";

const closing: (() => unknown)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve() {
  const service = instrumentService({
    service: "shop",
    endpoints: ["http://127.0.0.1:1"],
    everyMs: 10_000,
    onUnheard: () => 0,
  });
  const app = express();
  app.use(instrument(service));
  const router = Router();
  router.get("/failing/:id", async () => {
    throw new Error("the stock is not there");
  });
  router.get("/items/:id", (_request, response) => void response.json({ ok: true }));
  app.use("/api", router);
  app.get("/broken", (_request, response) => void response.status(503).end());
  app.get("/late", () => undefined);
  app.get("/thrown", async () => {
    throw new Error("the stock is not there");
  });
  app.get("/refused", () => {
    throw Object.assign(new Error("no such order"), { status: 404 });
  });
  app.use(instrumentErrors());
  const answer: ErrorRequestHandler = (error: { readonly status?: number }, _request, response, _next) => {
    response.status(error.status ?? 500).end();
  };
  app.use(answer);
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
  });
  closing.push(() => {
    void service.close();
    server.closeAllConnections();
    server.close();
  });
  return { service, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("the instrument middleware", () => {
  it("counts requests by route, not by path, with how they ended", async () => {
    const { service, origin } = await serve();
    for (const path of ["api/items/1", "api/items/2", "broken", "nowhere"]) {
      await (await fetch(`${origin}/${path}`)).text();
    }
    const leaving = new AbortController();
    const late = fetch(`${origin}/late`, { signal: leaving.signal }).catch(() => "gone");
    setTimeout(() => leaving.abort(), 50);
    expect(await late).toBe("gone");
    const counted = (): Record<string, unknown> =>
      Object.fromEntries(service.report().policies.map(({ name, counts }) => [name, counts]));
    while (Object.keys(counted()).length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(counted()).toEqual({
      "GET /api/items/:id": { succeeded: 2, failed: 0, abandoned: 0 },
      "GET /broken": { succeeded: 0, failed: 1, abandoned: 0 },
      "GET /late": { succeeded: 0, failed: 0, abandoned: 1 },
      "(no route)": { succeeded: 1, failed: 0, abandoned: 0 },
    });
  });

  it("counts the errors of requests that failed, and not of those that were refused", async () => {
    const { service, origin } = await serve();
    for (const path of ["thrown", "thrown", "refused", "broken"]) await (await fetch(`${origin}/${path}`)).text();
    const total = (): number => service.report().policies.reduce((sum, { counts }) => sum + (counts["failed"] ?? 0), 0);
    while (total() < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(service.report().errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("the stock is not there"), count: 2 }),
    ]);
  });

  it("has one name for a route, whether it answers or fails, with handlers of errors or without", async () => {
    const { service, origin } = await serve();
    await (await fetch(`${origin}/api/failing/1`)).text();
    await (await fetch(`${origin}/thrown`)).text();
    const names = (): string[] =>
      service
        .report()
        .policies.map(({ name }) => name)
        .toSorted();
    while (names().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(names()).toEqual(["GET /api/failing/:id", "GET /thrown"]);
    const bare = express();
    bare.set("env", "test");
    bare.use(instrument(service));
    const mounted = express();
    mounted.get("/deep/:id", () => {
      throw new Error("nobody handles it");
    });
    bare.use("/sub", mounted);
    const server = await new Promise<Server>((resolve) => {
      const listening = bare.listen(0, "127.0.0.1", () => resolve(listening));
    });
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await (await fetch(`http://127.0.0.1:${port}/sub/deep/1`, { headers: { connection: "close" } })).text();
    while (names().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(names()).toContain("GET /sub/deep/:id");
  });

  it("refuses what is no service", () => {
    expect(() => instrument({} as never)).toThrow("instrument.service must be what instrumentService gives");
  });
});
