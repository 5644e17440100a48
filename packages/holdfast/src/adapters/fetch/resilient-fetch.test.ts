import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  CircuitOpenError,
  circuitBreaker,
  fallback,
  hedge,
  pipeline,
  retry,
  timeout,
  type Policy,
  type RetryOptions,
} from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { FaultyServer, half, reset, silence, status, type Answer } from "../http-client/testing/faulty-server.ts";
import { skippedWaits } from "../http-client/testing/skipped-waits.ts";
import { HttpStatusError, resilientFetch, type ResilientRequestInit } from "./index.ts";

function patience(more: RetryOptions = {}): { readonly policy: Policy; readonly delays: number[] } {
  const { delays, ...options } = skippedWaits(new VirtualClock());
  return { policy: retry({ ...options, ...more }), delays };
}

describe("resilientFetch: what is retried", () => {
  it.each<[string, Answer]>([
    ["408", status(408)],
    ["429", status(429)],
    ["500", status(500)],
    ["502", status(502)],
    ["503", status(503)],
    ["504", status(504)],
    ["a connection that is reset", reset],
  ])("%s, and then the answer, over one connection unless that is what broke", async (_, fault) => {
    await using server = await FaultyServer.start(fault, fault, status(200, {}, "well"));
    const response = await resilientFetch(patience().policy)(server.url);
    expect([response.status, await response.text()]).toEqual([200, "well"]);
    expect(server.requests).toHaveLength(3);
    expect(server.connections).toBe(fault === reset ? 3 : 1);
  });

  it.each([200, 301, 400, 401, 404, 409, 501])("not %i: that is the answer", async (code) => {
    await using server = await FaultyServer.start(status(code));
    const response = await resilientFetch(patience().policy)(server.url, { redirect: "manual" });
    expect([response.status, await response.text()]).toEqual([code, `status ${code}`]);
    expect(server.requests).toHaveLength(1);
  });

  it("waits as long as Retry-After asks, in seconds and as a date", async () => {
    const { policy, delays } = patience();
    // The virtual clock starts at 2026-01-01T00:00:00Z and has moved 7 s by the second answer.
    const date = { "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT" };
    await using server = await FaultyServer.start(status(503, { "retry-after": "7" }), status(429, date), status(200));
    expect((await resilientFetch(policy)(server.url)).status).toBe(200);
    expect(delays).toEqual([7_000, 13_000]);
  });

  it("takes other statuses, as a list and as a function", async () => {
    for (const failOn of [[404], (code: number) => code === 404]) {
      await using server = await FaultyServer.start(status(404), status(503));
      const response = await resilientFetch(patience().policy, { failOn })(server.url);
      expect(response.status).toBe(503);
      expect(server.requests).toHaveLength(2);
    }
  });

  it("headers that do not come in time", async () => {
    await using server = await FaultyServer.start(silence, status(200));
    const { policy } = patience();
    const response = await resilientFetch(pipeline(policy, timeout({ timeoutMs: 50 })))(server.url);
    expect(response.status).toBe(200);
    expect(server.requests).toHaveLength(2);
  });
});

describe("resilientFetch: when nothing helps", () => {
  it("gives the last answer, whose body can be read", async () => {
    const last = status(503, { "x-try": "3" }, "x".repeat(200_000));
    await using server = await FaultyServer.start(status(500), status(502), last);
    const response = await resilientFetch(patience().policy)(server.url);
    expect([response.status, response.headers.get("x-try"), response.url]).toEqual([503, "3", `${server.url}/`]);
    expect(await response.text()).toBe("x".repeat(200_000));
    expect(server.requests).toHaveLength(3);
  });

  it("or the error, with the answer in it", async () => {
    await using server = await FaultyServer.start(status(503, { "retry-after": "2" }, "busy"));
    const get = resilientFetch(patience().policy, { throwOnFailure: true });
    const error: unknown = await get(`${server.url}/path?token=1`).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "RETRIES_EXHAUSTED", attempts: 3 });
    const { cause } = error as { cause?: unknown };
    expect(cause).toBeInstanceOf(HttpStatusError);
    expect(cause).toMatchObject({ code: "HTTP_STATUS", kind: "resource", status: 503, retryAfterMs: 2_000 });
    expect((cause as Error).message).toBe(`HTTP 503 from GET ${server.url}/path`);
    expect(await ((cause as HttpStatusError).response as Response).text()).toBe("busy");
  });

  it("lets a fallback answer, and frees the connection", async () => {
    await using server = await FaultyServer.start(status(503), status(200));
    const seen: unknown[] = [];
    const policy = pipeline(fallback((error) => (seen.push(error), "kept")));
    expect(await resilientFetch(policy)(server.url)).toBe("kept");
    expect(seen).toMatchObject([{ code: "HTTP_STATUS", status: 503 }]);
    await resilientFetch(policy)(server.url);
    expect(server.connections).toBe(1);
  });

  it("an open breaker keeps calls from the server", async () => {
    await using server = await FaultyServer.start(status(503));
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 2 } });
    const get = resilientFetch(breaker);
    expect([(await get(server.url)).status, (await get(server.url)).status]).toEqual([503, 503]);
    expect(breaker.state).toBe("open");
    await expect(get(server.url)).rejects.toBeInstanceOf(CircuitOpenError);
    expect(server.requests).toHaveLength(2);
  });

  it("an answer whose body stalls does not hold the retry up, and is cut off", async () => {
    await using server = await FaultyServer.start(half(503), status(200));
    const response = await resilientFetch(patience().policy, { drainMs: 5 })(server.url);
    expect(response.status).toBe(200);
    expect(server.requests).toHaveLength(2);
    await server.cutOff;
  });

  it("a body that breaks off after its headers is the reader's error, not a shorter body", async () => {
    await using server = await FaultyServer.start(half(200, (response) => response.socket?.destroy()));
    const response = await resilientFetch(patience().policy)(server.url);
    await expect(response.text()).rejects.toThrow("terminated");
    expect(server.requests).toHaveLength(1);
  });
});

describe("resilientFetch: bodies", () => {
  const form = new FormData();
  form.set("a", "1");
  const bytes = new TextEncoder().encode("bytes");
  it.each<[string, () => ResilientRequestInit["body"], string]>([
    ["text", () => "text", "text"],
    ["a buffer", () => Buffer.from("buffer"), "buffer"],
    ["an array buffer", () => bytes.buffer, "bytes"],
    ["parameters", () => new URLSearchParams({ a: "1 2" }), "a=1+2"],
    ["a blob", () => new Blob(["blob"]), "blob"],
    ["a function's", () => () => Readable.toWeb(Readable.from(["made"])) as ReadableStream, "made"],
  ])("%s: every attempt sends the same", async (_, body, sent) => {
    await using server = await FaultyServer.start(status(503), status(503), status(200));
    const init = { method: "PUT", body: body() } as ResilientRequestInit;
    const response = await resilientFetch(patience().policy)(server.url, init);
    expect(response.status).toBe(200);
    expect(server.bodies).toEqual([sent, sent, sent]);
  });

  it("a form: every attempt sends its fields", async () => {
    await using server = await FaultyServer.start(status(503), status(200));
    await resilientFetch(patience().policy)(server.url, { method: "PUT", body: form });
    expect(server.bodies).toHaveLength(2);
    for (const body of server.bodies) expect(body).toMatch(/name="a"\r\n\r\n1\r\n/);
  });

  it("a Request is copied for each attempt", async () => {
    await using server = await FaultyServer.start(status(503), status(200));
    const request = new Request(server.url, { method: "PUT", body: "whole", headers: { "x-a": "b" } });
    expect((await resilientFetch(patience().policy)(request)).status).toBe(200);
    expect(server.requests.map(({ body, headers }) => [body, headers["x-a"]])).toEqual([
      ["whole", "b"],
      ["whole", "b"],
    ]);
  });

  it("a stream is sent once", async () => {
    await using server = await FaultyServer.start(status(503), status(200));
    const body = Readable.toWeb(Readable.from(["one", "time"])) as ReadableStream;
    const response = await resilientFetch(patience().policy)(server.url, { method: "PUT", body });
    expect(response.status).toBe(503);
    expect(server.bodies).toEqual(["onetime"]);
  });

  it.each([
    ["within the bound: is kept and sent again", 7, ["onetime", "onetime"]],
    ["beyond it: is sent once, whole", 6, ["onetime"]],
  ])("a stream %s", async (_, bufferBodyBytes, bodies) => {
    await using server = await FaultyServer.start(status(503), status(200));
    const body = Readable.toWeb(Readable.from(["one", "time"])) as ReadableStream;
    await resilientFetch(patience().policy, { bufferBodyBytes })(server.url, { method: "PUT", body });
    expect(server.bodies).toEqual(bodies);
  });
});

describe("resilientFetch: what must not be sent twice", () => {
  const post: ResilientRequestInit = { method: "POST", body: "pay" };

  it.each<[string, Answer, unknown]>([
    ["a status", status(503), { status: 503 }],
    ["a reset", reset, { name: "TypeError", message: "fetch failed" }],
  ])("a POST is sent once and ends as without policies: %s", async (_, fault, outcome) => {
    await using server = await FaultyServer.start(fault);
    const stubborn = patience({ retryOn: () => true }).policy;
    for (const policy of [patience().policy, pipeline(patience().policy, timeout({ timeoutMs: 5_000 }))]) {
      const result: unknown = await resilientFetch(policy)(server.url, post).catch((error: unknown) => error);
      expect(result).toMatchObject(outcome as object);
    }
    expect(server.requests).toHaveLength(2);
    await resilientFetch(stubborn)(server.url, post).catch(() => {});
    expect(server.requests).toHaveLength(3);
  });

  it("also not after a timeout, and not by a hedge", async () => {
    await using server = await FaultyServer.start(silence, (response) => setTimeout(() => response.end("late"), 60));
    const hasty = pipeline(patience().policy, timeout({ timeoutMs: 30 }));
    await expect(resilientFetch(hasty)(server.url, post)).rejects.toMatchObject({ code: "OPERATION_TIMED_OUT" });
    expect(server.requests).toHaveLength(1);
    const hedged = hedge({ delayMs: 10 });
    expect(await (await resilientFetch(hedged)(server.url, post)).text()).toBe("late");
    expect([server.requests.length, hedged.metrics.hedges]).toEqual([2, 1]);
  });

  it("unless it has an Idempotency-Key, or the option says so", async () => {
    await using server = await FaultyServer.start(status(503), status(200), status(503), status(200));
    const { policy } = patience();
    const named = { ...post, headers: { "Idempotency-Key": "7" } };
    expect((await resilientFetch(policy)(server.url, named)).status).toBe(200);
    expect((await resilientFetch(policy, { retryNonIdempotent: true })(server.url, post)).status).toBe(200);
    expect(server.bodies).toEqual(["pay", "pay", "pay", "pay"]);
  });
});

describe("resilientFetch: signals", () => {
  it("the caller's abort ends a wait at once, with its reason", async () => {
    await using server = await FaultyServer.start(status(503));
    const giveUp = new AbortController();
    const reason = new Error("enough");
    const policy = retry({
      backoff: [60_000],
      jitter: "none",
      maxDelayMs: 60_000,
      onEvent: () => giveUp.abort(reason),
    });
    await expect(resilientFetch(policy)(server.url, { signal: giveUp.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
    expect(getEventListeners(giveUp.signal, "abort")).toEqual([]);
  });

  it.each<[string, () => Policy]>([
    ["a retry", () => retry()],
    ["a timeout", () => timeout({ timeoutMs: 10_000 })],
    ["a hedge and a timeout", () => pipeline(hedge({ delayMs: 1_000 }), timeout())],
  ])("the caller's abort ends a body too, after %s", async (_, policy) => {
    await using server = await FaultyServer.start(half(200));
    const giveUp = new AbortController();
    const reason = new Error("enough");
    const response = await resilientFetch(policy())(server.url, { signal: giveUp.signal });
    const text = response.text();
    giveUp.abort(reason);
    await expect(text).rejects.toBe(reason);
    await server.cutOff;
  });

  it("a timeout ends with the headers: the body may take longer", async () => {
    let finish = (): void => {};
    await using server = await FaultyServer.start((response) => {
      response.writeHead(200);
      response.write("first ");
      finish = () => response.end("last");
    });
    const clock = new VirtualClock();
    const response = await resilientFetch(timeout({ timeoutMs: 100, clock }))(server.url);
    await clock.advance(1_000);
    finish();
    expect(await response.text()).toBe("first last");
  });

  it("nothing stays on a signal that lives long, and many calls on one give no warning", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    await using server = await FaultyServer.start(status(200));
    const { signal } = new AbortController();
    const get = resilientFetch(pipeline(retry(), timeout()));
    const responses = await Promise.all(Array.from({ length: 30 }, () => get(server.url, { signal })));
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await Promise.all(responses.map((response) => response.text()));
    expect(getEventListeners(signal, "abort")).toEqual([]);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("a hedge that loses is aborted: the server sees its connection go", async () => {
    await using server = await FaultyServer.start(silence, status(200, {}, "second"));
    const response = await resilientFetch(hedge({ delayMs: 10 }))(server.url);
    expect(await response.text()).toBe("second");
    await server.cutOff;
    expect(server.requests).toHaveLength(2);
  });
});

describe("resilientFetch: what is refused", () => {
  it.each<[string, unknown, unknown]>([
    ["fetch.policy must be a policy (got undefined)", undefined, {}],
    ["fetch.policy must be a policy (got an object)", {}, {}],
    ["fetch options must be an object (got null)", retry(), null],
    ["fetch.failOn must be a list of statuses or a function (got 503)", retry(), { failOn: 503 }],
    ["fetch.failOn[1] must be an integer >= 100 and <= 599 (got 600)", retry(), { failOn: [503, 600] }],
    ["fetch.retryNonIdempotent must be true or false (got 1)", retry(), { retryNonIdempotent: 1 }],
    ["fetch.bufferBodyBytes must be an integer >= 0 (got -1)", retry(), { bufferBodyBytes: -1 }],
    ['fetch.throwOnFailure must be true or false (got "yes")', retry(), { throwOnFailure: "yes" }],
    ["fetch.fetch must be a function (got an object)", retry(), { fetch: {} }],
  ])("%s", (message, policy, options) => {
    expect(() => resilientFetch(policy as Policy, options as object)).toThrow(message);
  });

  it("an unknown option, naming those there are", () => {
    expect(() => resilientFetch(retry(), { retries: 3 } as object)).toThrow(
      /^fetch\.retries is no option; there are failOn,/,
    );
  });
});
