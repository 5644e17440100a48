import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterEach, describe, expect, it } from "vitest";
import { instrumentService, type InstrumentedService } from "../../telemetry/index.ts";
import { instrument } from "./instrument.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A shop that nobody is told of. */
function shop(): { readonly app: Hono; readonly service: InstrumentedService; readonly late: () => void } {
  const service = instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:1"], onUnheard: () => undefined });
  closing.push(() => service.close());
  const late = Promise.withResolvers<void>();
  const app = new Hono();
  app.use(instrument(service));
  const items = new Hono();
  items.get("/:id", (context) => context.json({ ok: true }));
  app.route("/items", items);
  app.get("/broken", () => {
    throw new Error("the stock is not there");
  });
  app.get("/teapot", () => {
    throw new HTTPException(418, { message: "no coffee" });
  });
  app.get("/late", async (context) => {
    await late.promise;
    return context.text("late");
  });
  app.onError((error, context) =>
    error instanceof HTTPException ? error.getResponse() : context.text("Internal Server Error", 500),
  );
  return { app, service, late: () => late.resolve() };
}

const counted = (service: InstrumentedService): Record<string, unknown> =>
  Object.fromEntries(service.report().policies.map(({ name, counts }) => [name, counts]));
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const of = (succeeded: number, failed = 0, abandoned = 0): object => ({ succeeded, failed, abandoned });

describe("the instrument middleware", () => {
  it("counts requests by route on Node, with how they ended, and the errors of those that failed", async () => {
    const { app, service, late } = shop();
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    await once(server, "listening");
    closing.push(() => server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const path of ["items/1", "items/2", "broken", "teapot", "nowhere/1", "nowhere/2"]) {
      await (await fetch(`${origin}/${path}`)).text();
    }
    const leaving = new AbortController();
    const asked = fetch(`${origin}/late`, { signal: leaving.signal }).catch(() => "gone");
    const lateOne = () => service.report().policies.find(({ name }) => name === "GET /late");
    await until(() => lateOne()?.gauges["active"] === 1);
    leaving.abort();
    expect(await asked).toBe("gone");
    await until(() => lateOne()?.counts["abandoned"] === 1);
    late();
    expect(counted(service)).toMatchObject({
      "GET /items/:id": of(2),
      "GET /broken": of(0, 1),
      "GET /teapot": of(1),
      "GET /late": of(0, 0, 1),
      "(no route)": of(2),
    });
    expect(service.report().errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("the stock is not there"), count: 1 }),
    ]);
  });

  it("counts them elsewhere, when the body has been read", async () => {
    const { app, service } = shop();
    const response = await app.request("/items/7");
    expect(counted(service)).toEqual({ "GET /items/:id": of(0) });
    await response.text();
    expect(counted(service)).toEqual({ "GET /items/:id": of(1) });
    await (await app.request("/broken")).text();
    const unread = await app.request("/items/8");
    await unread.body?.cancel();
    expect(counted(service)).toEqual({ "GET /items/:id": of(1, 0, 1), "GET /broken": of(0, 1) });
    expect(service.report().errors).toHaveLength(1);
  });

  it("refuses what is no service", () => {
    expect(() => instrument({} as never)).toThrow("instrument.service must be what instrumentService gives");
  });
});
