import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { faultRegistry } from "../../proof/index.ts";
import { systemClock } from "../../runtime/system.ts";
import { VirtualClock } from "../../testing/index.ts";
import { mockService, type MockService, type MockServiceOptions } from "./index.ts";
import { get, rawExchange } from "./testing/raw-exchange.ts";

const token = "a-token-of-tests";
const routes = [{ path: "/a", answer: { text: "a" } }];
let service: MockService;

beforeEach(async () => {
  service = await mockService({ name: "users", seed: 1, control: { token }, maxBodyBytes: 10_000, routes });
});

afterEach(() => service.close());

async function control(line: string, body?: unknown, given: string = token): Promise<readonly [number, unknown]> {
  const [method = "", path = ""] = line.split(" ");
  const response = await fetch(`${service.url}/_mock${path}`, {
    method,
    headers: { authorization: `Bearer ${given}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return [response.status, text === "" ? null : JSON.parse(text)];
}

async function status(path: string): Promise<number> {
  const response = await fetch(`${service.url}${path}`);
  await response.text();
  return response.status;
}

describe("over HTTP", () => {
  it("shows what there is, without being struck or written down itself", async () => {
    await service.fault({ kind: "close", id: "all" });
    expect(await control("GET ")).toEqual([
      200,
      {
        name: "users",
        url: service.url,
        seed: 1,
        routes: [{ name: "GET /a", methods: ["GET"], path: "/a" }],
        faults: [{ id: "all", kind: "close", parameters: { ratio: 1, skip: 0 }, struck: 0 }],
        counts: {},
      },
    ]);
    expect(service.journal.entries).toEqual([]);
  });

  it("adds and removes routes and faults", async () => {
    const route = { name: "b/ä", path: "/b", resource: { items: [{ id: 1 }] } };
    expect(await control("POST /routes", route)).toEqual([201, { name: "b/ä" }]);
    expect(await status("/b/1")).toBe(200);
    expect(await control("POST /faults", { kind: "status", status: 503, route: "b/ä" })).toMatchObject([
      201,
      { id: "status-1", struck: 0 },
    ]);
    expect([await status("/b/1"), await status("/a")]).toEqual([503, 200]);
    expect(await control("DELETE /faults/status-1")).toMatchObject([200, { id: "status-1", struck: 1 }]);
    expect(await control("DELETE /faults/status-1")).toEqual([404, { error: 'there is no fault "status-1"' }]);
    expect(await control(`DELETE /routes/${encodeURIComponent("b/ä")}`)).toEqual([204, null]);
    expect(await status("/b/1")).toBe(404);
    await control("POST /faults", { kind: "status" });
    expect(await control("DELETE /faults")).toMatchObject([200, { faults: [], counts: { status: 1 } }]);
  });

  it("replaces the whole at once, or nothing of it; then goes back to the start", async () => {
    const wrong = {
      routes: [
        { path: "/c", answer: {} },
        { path: "c", answer: {} },
      ],
      faults: [{ kind: "close" }],
    };
    expect(await control("PUT ", wrong)).toEqual([
      400,
      { error: expect.stringContaining("configuration.routes[1].path must be a path") },
    ]);
    const wrongFault = { routes: [{ path: "/c", answer: {} }], faults: [{ kind: "close", route: "GET /a" }] };
    expect(await control("PUT ", wrongFault)).toMatchObject([400, { error: expect.stringContaining("GET /c") }]);
    expect([await status("/a"), await status("/c")]).toEqual([200, 404]);
    const right = { routes: [{ path: "/c", answer: {} }], faults: [{ kind: "status", route: "GET /c" }] };
    expect(await control("PUT ", right)).toMatchObject([200, { routes: [{ name: "GET /c" }] }]);
    expect([await status("/a"), await status("/c")]).toEqual([404, 500]);
    expect((await control("POST /reset"))[0]).toBe(200);
    expect([await status("/a"), await status("/c")]).toEqual([200, 404]);
  });

  it("is answered at once while requests hang, and lets them go", async () => {
    await service.fault({ kind: "hang" });
    const hanging = Array.from({ length: 5 }, () => status("/a"));
    await service.journal.waitFor({ outcome: "pending" }, { count: 5 });
    expect((await control("PUT ", { faults: [] }))[0]).toBe(200);
    expect(await Promise.all(hanging)).toEqual([200, 200, 200, 200, 200]);
  });

  it("an outage needs an end; whoever asked for it is told before it takes the connection away", async () => {
    expect(await control("POST /faults", { kind: "down" })).toMatchObject([
      400,
      { error: expect.stringContaining("fault.durationMs must be given") },
    ]);
    expect(await control("PUT ", { faults: [{ kind: "down" }] })).toMatchObject([400, {}]);
    expect((await control("POST /faults", { kind: "down", durationMs: 60_000 }))[0]).toBe(201);
    expect((await rawExchange(service.address, get("/a"))).end).toBe("refused");
    await service.reset();
    expect(await status("/a")).toBe(200);
  });

  it("shows and clears the journal", async () => {
    await status("/a");
    expect(await control("GET /requests")).toMatchObject([200, { requests: [{ path: "/a" }], forgotten: 0 }]);
    expect(await control("DELETE /requests")).toEqual([204, null]);
    expect(service.journal.entries).toEqual([]);
  });

  it.each<[string, unknown, string, number, string]>([
    ["GET ", undefined, "wrong-token", 401, "the token is missing or wrong"],
    ["GET /nothing", undefined, token, 404, "nothing is at /_mock/nothing"],
    ["PATCH /routes", undefined, token, 405, "PATCH is not for this; there is POST"],
    ["POST /routes", "{", token, 400, "the body must be JSON"],
    ["POST /routes", undefined, token, 400, "route must be a JSON object"],
    ["POST /faults", { kind: "x" }, token, 400, "fault.kind must be"],
    ["PUT ", { route: [] }, token, 400, "configuration.route is no option"],
    ["PUT ", { faults: [null] }, token, 400, "configuration.faults[0] must be an object"],
    ["PUT ", { routes: {} }, token, 400, "configuration.routes must be a list"],
    ["POST /routes", "x".repeat(20_000), token, 413, "the body must be at most 10000 bytes"],
    ["DELETE /routes/%zz", undefined, token, 400, "the path is not encoded correctly"],
  ])("%s is refused: %#", async (line, body, given, code, message) => {
    expect(await control(line, body, given)).toEqual([code, { error: expect.stringContaining(message) }]);
  });

  it("is not there by default, and no other path is taken for it", async () => {
    await using plain = await mockService();
    expect((await fetch(`${plain.url}/_mock`)).status).toBe(404);
    expect(await status("/_mocked")).toBe(404);
  });
});

describe("a registry of live faults", () => {
  it("strikes it, counts, and ends what it began", async () => {
    const clock = new VirtualClock();
    await using faults = faultRegistry({ clock, targets: [service] });
    await using own = await service.fault({ kind: "status", status: 418, id: "status-1", path: "/own" });
    const fault = await faults.inject({
      target: "users",
      kind: "status",
      parameters: { status: 503, ratio: 1 },
      durationMs: 5_000,
    });
    expect([fault.id, await status("/a"), await status("/own")]).toEqual(["status-1", 503, 418]);
    expect(faults.faults).toMatchObject([{ state: "active", struck: 1 }]);
    const ended = faults.whenRemoved(fault.id);
    await clock.advance(5_000);
    expect(await ended).toMatchObject({ state: "removed", reason: "expired", struck: 1 });
    expect([await status("/a"), await status("/own"), own.struck]).toEqual([200, 418, 2]);
  });

  it("takes the service down and brings it back", async () => {
    const faults = faultRegistry({ clock: systemClock, targets: [service] });
    const { id } = await faults.inject({ target: "users", kind: "down", durationMs: 60_000 });
    expect((await rawExchange(service.address, get("/a"))).end).toBe("refused");
    expect(await faults.remove(id)).toMatchObject({ struck: 1, reason: "removed" });
    expect(await status("/a")).toBe(200);
    await expect(
      faults.inject({ target: "users", kind: "latency", parameters: { delay: 5 }, durationMs: 5 }),
    ).rejects.toThrow("parameters.delay is no option");
    await service.close();
    await expect(faults.inject({ target: "users", kind: "close", durationMs: 5 })).rejects.toThrow("has not agreed");
    await faults.close();
  });
});

describe("options", () => {
  it.each<[unknown, string]>([
    [{ port: 1 }, "mockService.port is no option"],
    [{ name: "a b" }, "mockService.name must be 1 to 64 letters"],
    [{ listen: { host: "0.0.0.0", port: 0 } }, "mockService.listen must be an address of this machine alone"],
    [{ listen: { host: "127.0.0.1", port: 70_000 } }, "mockService.listen.port must be an integer >= 0 and <= 65535"],
    [{ seed: 0.5 }, "mockService.seed must be an integer"],
    [{ control: { token: "short" } }, 'mockService.control.token must be 8 to 1000 letters without spaces (got "…")'],
    [{ control: { token, prefix: "/" } }, "mockService.control.prefix must be a path like /_mock"],
    [{ journal: { maxEntries: 0 } }, "mockService.journal.maxEntries must be an integer >= 1"],
    [{ journal: { redact: "a" } }, "mockService.journal.redact must be a list of names"],
    [{ maxBodyBytes: -1 }, "mockService.maxBodyBytes must be an integer >= 0"],
    [{ maxHeaderBytes: 1 }, "mockService.maxHeaderBytes must be an integer >= 1024"],
    [{ routes: [{ path: "x", answer: {} }] }, "mockService.routes[0].path must be a path"],
    [{ faults: [{ kind: "close" }, { kind: "status", ratio: 2 }] }, "mockService.faults[1].ratio must be a number"],
    [
      {
        faults: [
          { kind: "close", id: "a" },
          { kind: "close", id: "a" },
        ],
      },
      "mockService.faults[1].id must be unique",
    ],
    [{ maxFaults: 1, faults: [{ kind: "close" }, { kind: "close" }] }, "must be one of at most 1 faults"],
  ])("%#: %s", async (options, message) => {
    await expect(mockService(options as MockServiceOptions)).rejects.toThrow(message);
  });

  it("a port that is taken is an error of the platform's", async () => {
    await expect(mockService({ listen: service.address })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("closing is idempotent, and nobody listens afterwards", async () => {
    await Promise.all([service.close(), service.close()]);
    expect((await rawExchange(service.address, get("/a"))).end).toBe("refused");
  });
});
