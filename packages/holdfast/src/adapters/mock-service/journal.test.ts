import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { mockService, type MockService, type RequestMatcher } from "./index.ts";
import { rawExchange } from "./testing/raw-exchange.ts";

let service: MockService;

beforeAll(async () => {
  service = await mockService({
    maxBodyBytes: 1_000,
    maxHeaderBytes: 1_024,
    journal: { maxEntries: 5, maxBodyBytes: 20, redact: ["X-Session"] },
    routes: [
      { path: "/users/:id", answer: { json: 1 } },
      { path: "/orders", method: "POST", answer: { status: 201 } },
    ],
  });
});

afterAll(() => service.close());

beforeEach(() => service.journal.clear());

const post = (body: string): Promise<Response> => fetch(`${service.url}/orders`, { method: "POST", body });

describe("the journal", () => {
  it("has what came in and what became of it, without secrets", async () => {
    const headers = { authorization: "Bearer abc", cookie: "a=b", "x-session": "1", "x-other": "2" };
    await (await fetch(`${service.url}/users/7?a=1&a=2`, { headers })).text();
    const entry = await service.journal.waitFor({ outcome: "answered" });
    expect(entry).toMatchObject({
      method: "GET",
      path: "/users/7",
      query: "a=1&a=2",
      route: "GET /users/:id",
      params: { id: "7" },
      faults: [],
      status: 200,
      error: null,
      body: "",
      headers: { authorization: "[redacted]", cookie: "[redacted]", "x-session": "[redacted]", "x-other": "2" },
    });
    expect(entry.durationMs).toBeGreaterThan(0);
    expect(JSON.stringify(service.journal.entries)).not.toMatch(/abc|a=b"/);
  });

  it("keeps the start of a body and its length", async () => {
    await post("x".repeat(50));
    expect(service.received({ method: "POST" }).requests[0]).toMatchObject({
      body: "x".repeat(20),
      bodyBytes: 50,
      isBodyCut: true,
    });
  });

  it("forgets the oldest", async () => {
    for (let id = 1; id <= 7; id++) await fetch(`${service.url}/users/${id}`);
    expect(service.journal.entries.map(({ path }) => path.slice(-1))).toEqual(["3", "4", "5", "6", "7"]);
    expect(service.journal.forgotten).toBe(2);
  });

  it("tells that the client went away, while it waited and while it sent", async () => {
    await using _ = await service.fault({ kind: "hang" });
    const gone = new AbortController();
    const call = fetch(`${service.url}/users/1`, { signal: gone.signal });
    await service.journal.waitFor({ path: "/users/1" });
    gone.abort();
    await expect(call).rejects.toThrow("aborted");
    expect(await service.journal.waitFor({ outcome: "clientGone" })).toMatchObject({ path: "/users/1", status: null });
    const half = connect(service.address.port, service.address.host);
    half.write("POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", () => half.destroy());
    await service.journal.waitFor({ path: "/orders", outcome: "clientGone" });
  });

  it.each<[RequestMatcher, number]>([
    [{}, 3],
    [{ method: "get" }, 2],
    [{ path: "/users/:id" }, 2],
    [{ path: "/**", status: 200 }, 2],
    [{ query: { page: "2" } }, 1],
    [{ headers: { "X-Kind": { matches: "^b" } } }, 1],
    [{ body: { a: { b: 1 } } }, 1],
    [{ route: "POST /orders" }, 1],
    [{ fault: "latency" }, 0],
    [({ id, path }) => id > 0 && path.endsWith("1"), 1],
  ])("finds those of %j", async (matcher, count) => {
    await fetch(`${service.url}/users/1?page=2`);
    await fetch(`${service.url}/users/2`, { headers: { "x-kind": "big" } });
    await post('{"a":{"b":1,"c":2}}');
    expect(service.received(matcher).count).toBe(count);
  });
});

describe("waitFor", () => {
  it("sees what is there, and what comes", async () => {
    await fetch(`${service.url}/users/1`);
    expect((await service.journal.waitFor({ path: "/users/:id" })).path).toBe("/users/1");
    const second = service.journal.waitFor({ path: "/users/:id" }, { count: 2 });
    await fetch(`${service.url}/users/2`);
    expect((await second).path).toBe("/users/2");
  });

  it("gives up after its time, and tells what came instead", async () => {
    const clock = new VirtualClock();
    await using own = await mockService({ clock });
    await fetch(`${own.url}/a`);
    const waiting = own.journal.waitFor({ path: "/b" }, { timeoutMs: 50 });
    const refused = expect(waiting).rejects.toMatchObject({
      code: "TIMED_OUT",
      kind: "timeout",
      message: "no such request within 50 ms; of 1 requests the last are GET /a 404",
    });
    await clock.advance(50);
    await refused;
    expect(clock.pending).toBe(0);
  });

  it("ends with its signal, and with a matcher that throws", async () => {
    const gone = new AbortController();
    const waiting = service.journal.waitFor({ path: "/b" }, { signal: gone.signal });
    gone.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await fetch(`${service.url}/a`);
    const broken = (): boolean => {
      throw new Error("a bad matcher");
    };
    await expect(service.journal.waitFor(broken)).rejects.toThrow("a bad matcher");
  });

  it.each<[unknown, unknown, string]>([
    [{ paths: "/" }, {}, "waitFor.paths is no option"],
    [{ path: "a" }, {}, "waitFor.path must be a path that starts with /"],
    [{ query: { a: 3 } }, {}, "waitFor.query.a must be text"],
    [{}, { timeoutMs: -1 }, "waitFor.timeoutMs must be a number >= 0"],
    [{}, { count: 6 }, "waitFor.count must be an integer >= 1 and <= 5"],
  ])("refuses %j with %j", async (matcher, options, message) => {
    await expect(service.journal.waitFor(matcher as RequestMatcher, options as object)).rejects.toThrow(message);
  });
});

describe("too much", () => {
  it("of a body is 413, in time for a client that is still sending", async () => {
    const response = await post("x".repeat(1_000_000));
    expect([response.status, await response.json()]).toEqual([413, { error: "the body must be at most 1000 bytes" }]);
    expect((await post("x".repeat(1_000))).status).toBe(201);
  });

  it("of the headers is 431, and of what is no HTTP 400", async () => {
    const large = `GET /users/1 HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(2_000)}\r\n\r\n`;
    expect((await rawExchange(service.address, large)).text).toMatch(/^HTTP\/1\.1 431 /);
    expect((await rawExchange(service.address, "nonsense\r\n\r\n")).text).toMatch(/^HTTP\/1\.1 400 /);
    expect(service.journal.entries).toEqual([]);
  });

  it("of connections are closed", async () => {
    await using own = await mockService({ maxConnections: 1, faults: [{ kind: "hang" }] });
    const first = fetch(`${own.url}/a`).catch(() => "closed");
    await own.journal.waitFor({});
    expect((await rawExchange(own.address, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n")).text).toBe("");
    await own.close();
    expect(await first).toBe("closed");
    expect(own.journal.entries).toHaveLength(1);
  });
});
