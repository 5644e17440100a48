import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { Router } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { instrumentService } from "../../telemetry/index.ts";
import { instrument } from "./instrument.ts";

const closing: (() => unknown)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve() {
  const service = instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:1"], everyMs: 10_000 });
  const app = express();
  app.use(instrument(service));
  const router = Router();
  router.get("/items/:id", (_request, response) => void response.json({ ok: true }));
  app.use("/api", router);
  app.get("/broken", (_request, response) => void response.status(503).end());
  app.get("/late", () => undefined);
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
  });
  closing.push(() => {
    service.close();
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

  it("refuses what is no service", () => {
    expect(() => instrument({} as never)).toThrow("instrument.service must be what instrumentService gives");
  });
});
