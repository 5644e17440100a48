import { Readable } from "node:stream";
import { Agent, fetch, FormData, interceptors, request, type Dispatcher } from "undici";
import { describe, expect, it } from "vitest";
import {
  CircuitOpenError,
  circuitBreaker,
  fallback,
  hedge,
  pipeline,
  retry,
  timeout,
  type ExecuteOptions,
  type Operation,
  type Policy,
} from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { FaultyServer, half, reset, silence, status, type Answer } from "../http-client/testing/faulty-server.ts";
import { skippedWaits } from "../http-client/testing/skipped-waits.ts";
import { resilience } from "./index.ts";

type Options = Parameters<typeof resilience>[1];

function client(policy: Policy<unknown>, options?: Options): AsyncDisposable & { readonly dispatcher: Dispatcher } {
  const agent = new Agent();
  return { dispatcher: agent.compose(resilience(policy, options)), [Symbol.asyncDispose]: () => agent.destroy() };
}

function patience(): { readonly policy: Policy; readonly delays: number[] } {
  const { delays, ...options } = skippedWaits(new VirtualClock());
  return { policy: retry(options), delays };
}

describe("undici resilience: request", () => {
  it.each<[string, Answer]>([
    ["429", status(429)],
    ["503", status(503)],
    ["a connection that is reset", reset],
  ])("%s, and then the answer, over one connection unless that is what broke", async (_, fault) => {
    await using server = await FaultyServer.start(fault, fault, status(200, { "x-a": "b" }, "well"));
    await using own = client(patience().policy);
    const { statusCode, headers, body } = await request(server.url, own);
    expect([statusCode, headers["x-a"], await body.text()]).toEqual([200, "b", "well"]);
    expect(server.requests).toHaveLength(3);
    expect(server.connections).toBe(fault === reset ? 3 : 1);
  });

  it("waits as long as Retry-After asks", async () => {
    const date = { "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT" };
    await using server = await FaultyServer.start(status(503, { "retry-after": "7" }), status(429, date), status(200));
    const { policy, delays } = patience();
    await using own = client(policy);
    expect((await request(server.url, own)).statusCode).toBe(200);
    expect(delays).toEqual([7_000, 13_000]);
  });

  /** Answers in 200 parts, and how many of them the connection has taken. */
  function largeAnswer(): { readonly large: string; readonly sent: () => number; readonly answer: Answer } {
    const large = "x".repeat(20_000_000);
    let sent = 0;
    const answer: Answer = (response) => {
      response.writeHead(200, { "content-length": large.length });
      const chunks = Readable.from(Array.from({ length: 200 }, () => large.slice(0, 100_000)));
      chunks.on("data", () => sent++);
      chunks.pipe(response);
    };
    return { large, sent: () => sent, answer };
  }

  /** Long enough for all of it to come, if nobody held it back. */
  async function manyTurns(): Promise<void> {
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  it("a large body comes whole, at the reader's pace", async () => {
    const { large, sent, answer } = largeAnswer();
    await using server = await FaultyServer.start(status(503), answer);
    await using own = client(patience().policy);
    const { body } = await request(server.url, own);
    await manyTurns();
    expect(sent()).toBeLessThan(200);
    expect(await body.text()).toBe(large);
    expect(sent()).toBe(200);
  });

  it("while a policy still considers an answer, its body waits", async () => {
    const { large, sent, answer } = largeAnswer();
    await using server = await FaultyServer.start(answer);
    const considered = Promise.withResolvers<void>();
    const slow = {
      execute: async (
        operation: Operation<unknown>,
        { signal = new AbortController().signal }: ExecuteOptions = {},
      ) => {
        const result = await operation({ signal, attempt: 1 });
        await considered.promise;
        return result;
      },
    };
    await using own = client(slow as Policy<unknown>);
    const result = request(server.url, own);
    await server.received(1);
    await manyTurns();
    expect(sent()).toBeLessThan(200);
    considered.resolve();
    const { body } = await result;
    expect(await body.text()).toBe(large);
  });

  it.each([
    ["short", 10, 1],
    ["longer than is read ahead", 200_000, 3],
  ])("when nothing helps, the last answer; bodies %s", async (_, size, connections) => {
    await using server = await FaultyServer.start(status(500, {}, "y".repeat(size)));
    await using own = client(patience().policy);
    const { statusCode, body } = await request(server.url, own);
    expect([statusCode, await body.text()]).toEqual([500, "y".repeat(size)]);
    expect([server.requests.length, server.connections]).toEqual([3, connections]);
  });

  it("or the error", async () => {
    await using server = await FaultyServer.start(status(503));
    await using own = client(patience().policy, { throwOnFailure: true });
    await expect(request(`${server.url}/a?token=1`, own)).rejects.toMatchObject({
      code: "RETRIES_EXHAUSTED",
      cause: { code: "HTTP_STATUS", status: 503, message: `HTTP 503 from GET ${server.url}/a` },
    });
  });

  it("an answer whose body stalls does not hold the retry up, and is cut off", async () => {
    await using server = await FaultyServer.start(half(503), status(200));
    await using own = client(patience().policy, { drainMs: 5 });
    expect((await request(server.url, own)).statusCode).toBe(200);
    expect(server.requests).toHaveLength(2);
    await server.cutOff;
  });

  it("headers that do not come in time", async () => {
    await using server = await FaultyServer.start(silence, status(200));
    await using own = client(pipeline(patience().policy, timeout({ timeoutMs: 50 })));
    expect((await request(server.url, own)).statusCode).toBe(200);
    expect(server.requests).toHaveLength(2);
  });

  it("a timeout ends with the headers; a body that breaks off is the reader's error", async () => {
    let fail = (): void => {};
    await using server = await FaultyServer.start(half(200, (response) => (fail = () => response.socket?.destroy())));
    const clock = new VirtualClock();
    await using own = client(timeout({ timeoutMs: 100, clock }));
    const { body } = await request(server.url, own);
    await clock.advance(1_000);
    const text = body.text();
    fail();
    await expect(text).rejects.toMatchObject({ code: "UND_ERR_SOCKET" });
  });

  it("an open breaker keeps requests from the server", async () => {
    await using server = await FaultyServer.start(status(503));
    await using own = client(circuitBreaker({ window: { kind: "consecutive", failures: 2 } }));
    for (let i = 0; i < 2; i++) await (await request(server.url, own)).body.dump();
    await expect(request(server.url, own)).rejects.toBeInstanceOf(CircuitOpenError);
    expect(server.requests).toHaveLength(2);
  });

  it("the hedge that loses is aborted", async () => {
    await using server = await FaultyServer.start(silence, status(200, {}, "second"));
    await using own = client(hedge({ delayMs: 10 }));
    expect(await (await request(server.url, own)).body.text()).toBe("second");
    await server.cutOff;
    expect(server.requests).toHaveLength(2);
  });

  it("a fallback's value is no answer", async () => {
    await using server = await FaultyServer.start(status(503));
    await using own = client(fallback("kept"));
    await expect(request(server.url, own)).rejects.toMatchObject({ code: "NO_HTTP_RESPONSE" });
  });
});

describe("undici resilience: what is sent", () => {
  const form = new FormData();
  form.set("a", "1");
  it.each<[string, () => NonNullable<Dispatcher.DispatchOptions["body"]>, RegExp]>([
    ["text", () => "text", /^text$/],
    ["a buffer", () => Buffer.from("buffer"), /^buffer$/],
    ["bytes", () => new TextEncoder().encode("bytes"), /^bytes$/],
    ["a form", () => form, /name="a"\r\n\r\n1\r\n/],
  ])("%s: by every attempt", async (_, body, sent) => {
    await using server = await FaultyServer.start(status(503), status(503), status(200));
    await using own = client(patience().policy);
    const { statusCode } = await request(server.url, { ...own, method: "PUT", body: body() });
    expect(statusCode).toBe(200);
    expect(server.bodies).toHaveLength(3);
    for (const seen of server.bodies) expect(seen).toMatch(sent);
  });

  it.each([
    ["once", 0, ["onetime"]],
    ["as often as it takes, when it fits the buffer", 7, ["onetime", "onetime"]],
    ["once and whole, when it does not", 6, ["onetime"]],
  ])("a stream: %s", async (_, bufferBodyBytes, bodies) => {
    await using server = await FaultyServer.start(status(503), status(200));
    await using own = client(patience().policy, { bufferBodyBytes });
    const { statusCode } = await request(server.url, { ...own, method: "PUT", body: Readable.from(["one", "time"]) });
    expect(statusCode).toBe(bodies.length === 1 ? 503 : 200);
    expect(server.bodies).toEqual(bodies);
  });

  it("a POST once", async () => {
    await using server = await FaultyServer.start(status(503), reset);
    await using own = client(patience().policy);
    expect((await request(server.url, { ...own, method: "POST", body: "pay" })).statusCode).toBe(503);
    await expect(request(server.url, { ...own, method: "POST", body: "pay" })).rejects.toMatchObject({
      code: expect.stringMatching(/^(ECONNRESET|UND_ERR_SOCKET)$/) as string,
    });
    expect(server.bodies).toEqual(["pay", "pay"]);
  });

  it.each<[string, Partial<Dispatcher.DispatchOptions>, Options]>([
    ["an Idempotency-Key in an object", { headers: { "Idempotency-Key": "7" } }, {}],
    ["in a flat list", { headers: ["a", "b", "IDEMPOTENCY-KEY", "7"] }, {}],
    ["in pairs", { headers: new Map([["idempotency-key", "7"]]) }, {}],
    ["undici's own option", { idempotent: true }, {}],
    ["the option for all", {}, { retryNonIdempotent: true }],
  ])("a POST again with %s", async (_, more, options) => {
    await using server = await FaultyServer.start(status(503), status(200));
    await using own = client(patience().policy, options);
    const { statusCode } = await request(server.url, { ...own, method: "POST", body: "pay", ...more });
    expect([statusCode, server.bodies]).toEqual([200, ["pay", "pay"]]);
  });

  it("what is wrong in itself is not tried again", async () => {
    const { policy, delays } = patience();
    await using own = client(policy);
    const headers = { "content-length": "x" };
    await expect(request("http://127.0.0.1:1", { ...own, headers })).rejects.toMatchObject({
      code: "UND_ERR_INVALID_ARG",
    });
    expect(delays).toEqual([]);
  });
});

describe("undici resilience: the caller's abort", () => {
  const reason = new Error("enough");

  it("during a wait", async () => {
    await using server = await FaultyServer.start(status(503));
    const giveUp = new AbortController();
    await using own = client(
      retry({ backoff: [60_000], jitter: "none", maxDelayMs: 60_000, onEvent: () => giveUp.abort(reason) }),
    );
    await expect(request(server.url, { ...own, signal: giveUp.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  it("before anything is sent", async () => {
    await using server = await FaultyServer.start(status(200));
    await using own = client(retry());
    await expect(request(server.url, { ...own, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
  });

  it("while the headers are awaited, and the server sees it", async () => {
    await using server = await FaultyServer.start(silence);
    await using own = client(retry());
    const giveUp = new AbortController();
    const result = request(server.url, { ...own, signal: giveUp.signal });
    await server.received(1);
    giveUp.abort(reason);
    await expect(result).rejects.toBe(reason);
    await server.cutOff;
    expect(server.requests).toHaveLength(1);
  });

  it("during the body", async () => {
    await using server = await FaultyServer.start(half(200));
    await using own = client(pipeline(retry(), timeout()));
    const giveUp = new AbortController();
    const { body } = await request(server.url, { ...own, signal: giveUp.signal });
    const text = body.text();
    giveUp.abort(reason);
    await expect(text).rejects.toBe(reason);
    await server.cutOff;
  });
});

describe("undici resilience: its place", () => {
  it("under undici's fetch", async () => {
    await using server = await FaultyServer.start(status(503), status(200, {}, "well"));
    await using own = client(patience().policy);
    const response = await fetch(server.url, own);
    expect([response.status, await response.text()]).toEqual([200, "well"]);
    expect(server.requests).toHaveLength(2);
  });

  it("under undici's fetch with a body, which comes as a stream", async () => {
    await using server = await FaultyServer.start(status(503), status(200));
    await using own = client(patience().policy, { bufferBodyBytes: 1_000 });
    const response = await fetch(server.url, { ...own, method: "PUT", body: "whole" });
    expect([response.status, server.bodies]).toEqual([200, ["whole", "whole"]]);
  });

  it("under undici's fetch, aborted in the body", async () => {
    await using server = await FaultyServer.start(half(200));
    await using own = client(retry());
    const giveUp = new AbortController();
    const response = await fetch(server.url, { ...own, signal: giveUp.signal });
    const text = response.text();
    giveUp.abort(new Error("enough"));
    await expect(text).rejects.toThrow("enough");
  });

  it("beside other interceptors: redirects and compression outside", async () => {
    await using server = await FaultyServer.start(
      status(503),
      status(302, { location: "/next" }),
      status(503),
      status(200, {}, "there"),
    );
    await using agent = Object.assign(new Agent(), { [Symbol.asyncDispose]: () => agent.destroy() });
    const dispatcher = agent.compose(resilience(patience().policy), interceptors.redirect({ maxRedirections: 2 }));
    expect(await (await request(server.url, { dispatcher })).body.text()).toBe("there");
    expect(server.requests.map(({ path }) => path)).toEqual(["/", "/", "/next", "/next"]);
  });

  it.each<[string, unknown, unknown]>([
    ["undici.policy must be a policy (got an object)", {}, {}],
    ["undici.failOn must be a list of statuses or a function (got 503)", retry(), { failOn: 503 }],
    ["undici.drainMs must be an integer >= 0 (got Infinity)", retry(), { drainMs: Infinity }],
    ["undici.fetch is no option; there are failOn,", retry(), { fetch }],
  ])("refuses: %s", (message, policy, options) => {
    expect(() => resilience(policy as Policy, options as object)).toThrow(message);
  });
});
