import { afterEach, describe, expect, it } from "vitest";
import {
  bulkhead,
  circuitBreaker,
  concurrencyLimiter,
  fallback,
  pipeline,
  rateLimiter,
  throttle,
  type BulkheadOptions,
  type BulkheadPolicy,
  type Policy,
} from "../../../resilience/index.ts";
import type { Clock } from "../../../runtime/system.ts";
import { get, send } from "./plain-client.ts";
import type { SheddingOptions, ShedEvent } from "../shedding-options.ts";
import { checkProblem } from "./problem-check.ts";
import { Workshop } from "./workshop.ts";

export interface TestServer {
  readonly url: string;
  /** Resolves when the last connection has ended. */
  close(): Promise<unknown>;
}

/**
 * What a framework's test server offers: /work and /stream by the workshop (POST /work echoes what it was sent before),
 * /throw, /status/CODE, and /health.
 */
export interface Framework<Request> {
  start(policy: Policy<unknown>, options: SheddingOptions<Request>, workshop: Workshop): Promise<TestServer>;
  header(request: Request, name: string): string | undefined;
  /** One that stands still until it is told to go on. */
  clock(): Clock & { advance(byMs: number): Promise<void> };
}

/** What the middleware of every framework promises. */
export function sheddingSuite<Request>(name: string, framework: Framework<Request>): void {
  describe(`${name}: shedding`, () => {
    let server: TestServer | undefined;
    let workshop = new Workshop();

    const start = async (policy: Policy<unknown>, options: SheddingOptions<Request> = {}): Promise<string> => {
      workshop = new Workshop();
      server = await framework.start(policy, options, workshop);
      return server.url;
    };
    const places = (options: BulkheadOptions): BulkheadPolicy =>
      bulkhead({ ...options, onEvent: () => workshop.poke() });
    const closed = async (): Promise<void> => {
      workshop.release();
      await server?.close();
      server = undefined;
      await new Promise((resolve) => setImmediate(resolve));
    };
    afterEach(closed);

    it("lets in as many as fit and wait, turns all others away, and gets every permit back", async () => {
      const policy = places({ maxConcurrent: 5, maxQueue: 10 });
      let shed = 0;
      const url = await start(policy, {
        onShed: () => {
          shed++;
          workshop.poke();
          throw new Error("a listener's own");
        },
      });
      const replies = Array.from({ length: 50 }, () => get(`${url}/work`));
      await workshop.until(() => shed === 35);
      expect(policy.metrics).toMatchObject({ active: 5, waiting: 10 });
      workshop.release();
      const statuses = (await Promise.all(replies)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(15);
      expect(statuses.filter((status) => status === 503)).toHaveLength(35);
      expect([workshop.started, workshop.mostRunning]).toEqual([15, 5]);
      await closed();
      expect(policy.metrics).toMatchObject({ active: 0, waiting: 0, rejected: 35 });
    });

    it("says when to come again, and nothing of the inside", async () => {
      const url = await start(places({ maxConcurrent: 1, maxQueue: 0, name: "secret" }), { retryAfterMs: 2_001 });
      const first = get(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const { status, headers, body } = await get(`${url}/work`);
      expect(status).toBe(503);
      expect(headers).toMatchObject({
        "retry-after": "3",
        "content-type": expect.stringMatching(/^application\/problem\+json/),
        "cache-control": "no-store",
      });
      expect(checkProblem(status, headers, body)).toEqual({
        type: "about:blank",
        title: "Service Unavailable",
        status: 503,
        code: "BULKHEAD_FULL",
        timestamp: expect.any(String),
        durationMs: expect.any(Number),
      });
      expect(body).not.toContain("secret");
      workshop.release();
      expect(await first).toMatchObject({ status: 200, body: "done" });
    });

    it("its document has the members of an error's: code, time, how long it waited, trace id, and what callbacks say", async () => {
      const events: ShedEvent<Request>[] = [];
      const traceId = "0af7651916cd43dd8448eb211c80319c";
      const url = await start(places({ maxConcurrent: 1, maxQueue: 1, maxWaitMs: 30 }), {
        clock: { wallTime: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
        typeUri: (code) => `https://example.com/problems/${code}`,
        instance: () => "/requests/17",
        traceId: () => "of-the-program",
        onShed: (event) => events.push(event),
      });
      const first = get(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const from = performance.now();
      const { status, headers, body } = await get(`${url}/work`, {
        traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      });
      const { durationMs = Number.NaN, ...rest } = checkProblem(status, headers, body);
      expect(rest).toEqual({
        type: "https://example.com/problems/BULKHEAD_WAIT_TIMEOUT",
        title: "Service Unavailable",
        status: 503,
        instance: "/requests/17",
        code: "BULKHEAD_WAIT_TIMEOUT",
        timestamp: "2026-01-02T03:04:05.006Z",
        traceId,
      });
      expect(durationMs).toBeGreaterThan(28);
      expect(durationMs).toBeLessThan(performance.now() - from);
      expect(events).toMatchObject([{ status: 503, code: "BULKHEAD_WAIT_TIMEOUT", durationMs, traceId }]);
      const again = await get(`${url}/work`);
      expect(checkProblem(again.status, again.headers, again.body).traceId).toBe("of-the-program");
      workshop.release();
      await first;
    });

    it("callbacks that fail leave their members out, and a value in place of the handler is no code of a policy", async () => {
      const fail = (): never => {
        throw new Error("secret");
      };
      const limits = { permits: 1, perMs: 60_000 };
      const url = await start(pipeline(fallback("kept"), rateLimiter({ limits })), {
        typeUri: fail,
        instance: fail,
        traceId: fail,
        onShed: fail,
      });
      expect((await get(`${url}/health`)).status).toBe(200);
      const { status, headers, body } = await get(`${url}/health`);
      expect(checkProblem(status, headers, body)).toEqual({
        type: "about:blank",
        title: "Service Unavailable",
        status: 503,
        code: "SERVICE_UNAVAILABLE",
        timestamp: expect.any(String),
        durationMs: expect.any(Number),
      });
    });

    it("answers with another status, and without Retry-After, where it is told to", async () => {
      const url = await start(places({ maxConcurrent: 1, maxQueue: 0 }), { status: 429, retryAfterMs: 0 });
      void get(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const { status, headers } = await get(`${url}/work`);
      expect([status, headers["retry-after"]]).toEqual([429, undefined]);
    });

    it("a used up rate is 429, by key, until time has passed", async () => {
      const clock = framework.clock();
      const limits = { permits: 2, perMs: 10_000, algorithm: "tokenBucket" } as const;
      const url = await start(rateLimiter({ limits, clock }), {
        key: (request) => framework.header(request, "x-tenant"),
      });
      const statusOf = async (tenant: string): Promise<number> =>
        (await get(`${url}/health`, { "x-tenant": tenant })).status;
      expect([await statusOf("a"), await statusOf("a"), await statusOf("b")]).toEqual([200, 200, 200]);
      const { status, headers, body } = await get(`${url}/health`, { "x-tenant": "a" });
      expect([status, headers["retry-after"]]).toEqual([429, "5"]);
      expect(checkProblem(status, headers, body)).toMatchObject({ title: "Too Many Requests", code: "RATE_LIMITED" });
      await clock.advance(4_500);
      expect((await get(`${url}/health`, { "x-tenant": "a" })).headers["retry-after"]).toBe("1");
      await clock.advance(500);
      expect(await statusOf("a")).toBe(200);
    });

    it("the higher priority goes first", async () => {
      const policy = places({ maxConcurrent: 1 });
      const url = await start(policy, {
        priority: (request) => Number(framework.header(request, "x-priority") ?? 0),
      });
      const first = get(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const order: string[] = [];
      const queued = [];
      for (const priority of ["1", "3", "2"]) {
        const before = policy.metrics.waiting;
        queued.push(get(`${url}/work`, { "x-priority": priority }).then(() => order.push(priority)));
        await workshop.until(() => policy.metrics.waiting > before);
      }
      workshop.release();
      await Promise.all([first, ...queued]);
      expect(order).toEqual(["3", "2", "1"]);
    });

    it("a client that goes while it waits frees its place at once, and its handler is never called", async () => {
      const policy = places({ maxConcurrent: 1, maxQueue: 1 });
      const url = await start(policy);
      const first = get(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const second = send(`${url}/work`);
      await workshop.until(() => policy.metrics.waiting === 1);
      second.hangUp();
      await expect(second.reply).rejects.toThrow("socket hang up");
      // The queue has one place; that of the client is free as soon as the server sees it go.
      while (policy.metrics.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
      const third = get(`${url}/work`);
      await workshop.until(() => policy.metrics.waiting === 1);
      workshop.release();
      expect([(await first).status, (await third).status]).toEqual([200, 200]);
      await workshop.until(() => workshop.running === 0);
      await closed();
      expect(workshop.started).toBe(2);
      expect(policy.metrics).toMatchObject({ active: 0, waiting: 0 });
    });

    it("a client that goes while its handler works frees the permit and aborts the signal; nobody failed", async () => {
      const policy = places({ maxConcurrent: 1 });
      const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 } });
      const url = await start(pipeline(policy, breaker));
      const first = send(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const second = get(`${url}/work`);
      await workshop.until(() => policy.metrics.waiting === 1);
      first.hangUp();
      await workshop.until(() => workshop.started === 2);
      expect([workshop.aborted, workshop.running]).toEqual([1, 2]);
      expect(breaker.state).toBe("closed");
      workshop.release();
      expect((await second).status).toBe(200);
      await closed();
      expect(policy.metrics).toMatchObject({ active: 0, waiting: 0 });
      expect(breaker.metrics.totals).toMatchObject({ failures: 0, successes: 1 });
    });

    it("a streamed answer keeps its permit until the end, and gives it back when the client goes before", async () => {
      const policy = places({ maxConcurrent: 1 });
      const url = await start(policy);
      const stream = send(`${url}/stream`);
      expect(await stream.first).toBe("first");
      await workshop.until(() => workshop.running === 1);
      const second = send(`${url}/work`);
      await workshop.until(() => policy.metrics.waiting === 1);
      expect(workshop.started).toBe(1);
      stream.hangUp();
      await workshop.until(() => workshop.started === 2);
      workshop.release();
      expect((await second.reply).status).toBe(200);
      expect((await get(`${url}/stream`)).body).toBe("firstlast");
      await closed();
      expect(policy.metrics).toMatchObject({ active: 0, waiting: 0 });
    });

    it("a handler that throws, and answers from 500 on, are failures; the client gets them all the same", async () => {
      const breaker = circuitBreaker({
        window: { kind: "consecutive", failures: 2 },
        openMs: 7_500,
        clock: framework.clock(),
      });
      const url = await start(breaker);
      expect((await get(`${url}/throw`)).status).toBe(500);
      expect((await get(`${url}/status/404`)).status).toBe(404);
      expect((await get(`${url}/throw`)).status).toBe(500);
      expect(await get(`${url}/status/502`)).toMatchObject({ status: 502, body: "status 502" });
      const { status, headers } = await get(`${url}/health`);
      expect([status, headers["retry-after"]]).toEqual([503, "8"]);
      expect(breaker.metrics.totals).toMatchObject({ failures: 3, successes: 1 });
    });

    it("takes other statuses for failures", async () => {
      const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 } });
      const url = await start(breaker, { failOn: (status) => status === 404 });
      expect((await get(`${url}/status/500`)).status).toBe(500);
      expect(breaker.state).toBe("closed");
      expect((await get(`${url}/status/404`)).status).toBe(404);
      expect((await get(`${url}/health`)).status).toBe(503);
    });

    it("an adaptive limit shrinks on 503, and a throttle sheds what fails too often", async () => {
      const limiter = concurrencyLimiter({ initialLimit: 10, windowMs: 0, minSamples: 1 });
      const url = await start(limiter);
      await get(`${url}/status/503`);
      await get(`${url}/health`);
      expect(limiter.metrics).toMatchObject({ inFlight: expect.any(Number), limit: 9 });
      await closed();
      const always = { next: () => 0 };
      const shedding = await start(throttle({ random: always, clock: framework.clock() }));
      expect((await get(`${shedding}/status/500`)).body).toBe("status 500");
      expect(JSON.parse((await get(`${shedding}/health`)).body)).toMatchObject({ status: 503 });
    });

    it("leaves exempt requests alone", async () => {
      const policy = places({ maxConcurrent: 1, maxQueue: 0 });
      for (const skip of [["/health"], (request: Request) => framework.header(request, "x-probe") === "1"]) {
        const url = await start(policy, { skip });
        const first = get(`${url}/work`);
        await workshop.until(() => workshop.running === 1);
        expect((await get(`${url}/health?deep=1`, { "x-probe": "1" })).status).toBe(200);
        expect((await get(`${url}/status/200`)).status).toBe(503);
        workshop.release();
        await first;
        await closed();
      }
    });

    it("a request that waited still has its body", async () => {
      const policy = places({ maxConcurrent: 1 });
      const url = await start(policy);
      const first = get(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      const second = send(`${url}/work`, { "content-type": "text/plain" }, "x".repeat(100_000));
      await workshop.until(() => policy.metrics.waiting === 1);
      workshop.release();
      expect((await second.reply).body).toBe(`${"x".repeat(100_000)}done`);
      expect((await first).status).toBe(200);
    });

    it("what a callback throws is the framework's to handle, and a value of a policy is no answer", async () => {
      const url = await start(bulkhead(), {
        key: () => {
          throw new TypeError("no tenant");
        },
      });
      expect((await get(`${url}/health`)).status).toBe(500);
      await closed();
      const replaced = await start(
        pipeline(
          fallback(() => "kept"),
          rateLimiter({ limits: { permits: 1, perMs: 60_000 } }),
        ),
      );
      expect((await get(`${replaced}/health`)).status).toBe(200);
      expect((await get(`${replaced}/health`)).status).toBe(503);
    });

    it.each([
      [{ status: 200 }, "must be an integer >= 400 and <= 599 (got 200)"],
      [{ retryAfterMs: -1 }, "must be a number >= 0 (got -1)"],
      [{ skip: ["health"] }, "must be a list of paths that begin with / or a function"],
      [{ key: "tenant" }, "must be a function"],
      [{ traceId: "x" }, "must be a function"],
      [{ clock: {} }, "must be a clock"],
      [{ limit: 3 }, "is no option; there are key, priority"],
    ])("refuses %o", async (options, message) => {
      await expect(start(bulkhead(), options as never)).rejects.toThrow(message);
    });
  });
}
