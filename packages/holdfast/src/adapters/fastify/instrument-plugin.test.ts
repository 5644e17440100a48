import fastify from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { instrumentService, type InstrumentedService } from "../../telemetry/index.ts";
import { instrumentPlugin } from "./instrument-plugin.ts";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Nobody is there to report to: what would be reported is looked at here. */
function unheard(): InstrumentedService {
  return instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:1"], everyMs: 10_000, onUnheard: () => 0 });
}

async function serve() {
  const service = unheard();
  const app = fastify();
  closing.push(() => app.close());
  await app.register(instrumentPlugin, { service });
  const late = Promise.withResolvers<void>();
  app.get("/items/:id", async () => ({ ok: true }));
  app.get("/broken", async () => {
    throw new Error("no");
  });
  app.get("/late", async () => {
    await late.promise;
    return "late";
  });
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  const countsOf = (name: string) => service.report().policies.find((policy) => policy.name === name)?.counts;
  return { app, origin, service, late, countsOf };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the instrument plugin", () => {
  it("counts requests by route, not by path, with how they ended", async () => {
    const { origin, service, countsOf } = await serve();
    for (const path of ["items/1", "items/2", "broken", "nowhere/1", "nowhere/2"]) {
      await (await fetch(`${origin}/${path}`)).text();
    }
    await until(() => countsOf("(no route)")?.["succeeded"] === 2);
    expect(
      service
        .report()
        .policies.map(({ kind, name }) => `${kind} ${name}`)
        .toSorted(),
    ).toEqual(["route (no route)", "route GET /broken", "route GET /items/:id"]);
    expect(countsOf("GET /items/:id")).toEqual({ succeeded: 2, failed: 0, abandoned: 0 });
    expect(countsOf("GET /broken")).toEqual({ succeeded: 0, failed: 1, abandoned: 0 });
    expect(
      service.report().policies.every(({ durationMs, gauges }) => durationMs !== null && gauges["active"] === 0),
    ).toBe(true);
  });

  it("shows a request under way, and one whose client has gone", async () => {
    const { origin, service, late, countsOf } = await serve();
    const leaving = new AbortController();
    const asked = fetch(`${origin}/late`, { signal: leaving.signal }).catch(() => "gone");
    const activeOf = () => service.report().policies.find(({ name }) => name === "GET /late")?.gauges["active"];
    await until(() => activeOf() === 1);
    leaving.abort();
    expect(await asked).toBe("gone");
    await until(() => countsOf("GET /late")?.["abandoned"] === 1);
    expect(activeOf()).toBe(0);
    late.resolve();
  });

  it("counts the errors of requests that failed, whatever became of them in error handlers", async () => {
    const { app, service } = { app: fastify(), service: unheard() };
    closing.push(() => app.close());
    const other = await serve();
    await app.register(instrumentPlugin, { service });
    app.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) =>
      reply.code(error.statusCode ?? 502).send({ hidden: true }),
    );
    app.get("/async", async () => {
      throw new Error("the stock is not there");
    });
    app.get("/sync", () => {
      throw new Error("the till is closed");
    });
    app.get("/hook", { preHandler: () => Promise.reject(new Error("no session")) }, () => "unreached");
    app.get("/refused", () => {
      throw Object.assign(new Error("no such order"), { statusCode: 404 });
    });
    const origin = await app.listen({ host: "127.0.0.1", port: 0 });
    for (const path of ["async", "async", "sync", "hook", "refused"]) await (await fetch(`${origin}/${path}`)).text();
    await until(() => service.report().policies.every(({ gauges }) => gauges["active"] === 0));
    const seen = service.report().errors.map(({ message, count }) => [message, count]);
    expect(seen).toContainEqual([expect.stringContaining("the stock is not there"), 2]);
    expect(seen).toContainEqual([expect.stringContaining("the till is closed"), 1]);
    expect(seen.filter(([message]) => String(message).includes("no such order"))).toEqual([]);
    // Nor are they those of another app of this process.
    expect(other.service.report().errors).toEqual([]);
  });

  it("closes the service with the app, and refuses what is none", async () => {
    const { app, service } = await serve();
    let reports = 0;
    const closed = Object.assign(service, { close: async () => void reports++ });
    await app.close();
    expect(reports).toBe(1);
    expect(closed.metrics.sent).toBe(0);
    const other = fastify();
    closing.push(() => other.close());
    await expect(async () => await other.register(instrumentPlugin, {} as never)).rejects.toThrow(
      "fastify.service must be what instrumentService gives",
    );
  });
});
