import { AssertionError } from "node:assert";
import { afterEach, describe, expect, it } from "vitest";
import { BusinessError, ConsistencyError, NetworkError, SystemError } from "../../../errors/index.ts";
import { get, send } from "./plain-client.ts";
import { problemCases, type TestClock } from "./problem-cases.ts";
import { checkProblem, type SeenProblem } from "./problem-check.ts";
import { load, rawAnswer } from "./problem-client.ts";
import { exposed } from "../problem-exposure.ts";
import type { ProblemEvent, ProblemOptions } from "../problem-options.ts";
import type { TestServer } from "./shedding-suite.ts";
import { Workshop } from "./workshop.ts";

/** What the handlers of a test server throw, and the workshop they do it in. */
export interface Stage {
  error: unknown;
  readonly workshop: Workshop;
}

/**
 * What a framework's test server offers: /throw and /reject of the stage's error; /work that does so when the workshop
 * lets it; /stream that sends "first" and then fails with it; /headers that sets ETag, Content-Length, a cookie, Retry-After
 * 77 and a phrase beside the status before it throws; POST /echo of JSON, at most 1 kB; /file that is not there; /load/N,
 * which fails when 5 divides N: in turn by throwing, rejecting, a status of its own and a refusal.
 */
export interface ProblemFramework<Request> {
  start(options: ProblemOptions<Request>, stage: Stage): Promise<TestServer>;
  clock(): TestClock;
}

/** What /load/N does. */
export async function workload(n: number): Promise<string> {
  if (n % 5 !== 0) return `well ${n}`;
  if (n % 15 === 0) throw new BusinessError(secret, { code: "ORDER_CLOSED" });
  if (n % 10 === 0) throw Object.assign(new Error(secret), { statusCode: 404 });
  throw new Error(secret);
}

const secret = "hunter2-s3cr3t";
const inside = "/srv/app/inside";
const traceId = "0af7651916cd43dd8448eb211c80319c";

/** What the middleware of every framework promises. */
export function problemSuite<Request>(name: string, framework: ProblemFramework<Request>): void {
  describe(`${name}: problem documents`, () => {
    let server: TestServer | undefined;
    let stage: Stage = { error: undefined, workshop: new Workshop() };
    let events: ProblemEvent<Request>[] = [];

    const start = async (options: ProblemOptions<Request> = {}): Promise<string> => {
      stage = { error: undefined, workshop: new Workshop() };
      events = [];
      const onError = (event: ProblemEvent<Request>): void => {
        events.push(event);
        stage.workshop.poke();
      };
      server = await framework.start({ onError, ...options }, stage);
      return server.url;
    };
    const ask = async (url: string, headers?: Readonly<Record<string, string>>): Promise<SeenProblem> => {
      const reply = await get(url, headers);
      return checkProblem(reply.status, reply.headers, reply.body);
    };
    afterEach(async () => {
      stage.workshop.release();
      await server?.close();
      server = undefined;
    });

    it.each(problemCases(() => framework.clock()))(
      "$what: $status $code",
      async ({ error, status, code, retryAfter }) => {
        const url = await start();
        stage.error = await error();
        for (const path of ["/throw", "/reject"]) {
          const reply = await get(url + path);
          const seen = checkProblem(reply.status, reply.headers, reply.body);
          expect([seen.status, seen.code, reply.headers["retry-after"], seen.detail]).toEqual([
            status,
            code,
            retryAfter,
            undefined,
          ]);
          expect(events.pop()).toMatchObject({ outcome: "answered", status, code, durationMs: seen.durationMs });
          expect(events).toHaveLength(0);
        }
      },
    );

    it("has all members, and each request its own trace id and duration", async () => {
      const url = await start({
        clock: { wallTime: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
        typeUri: (code) => `https://example.com/problems/${code}`,
        instance: () => "/requests/17",
        traceId: () => "of-the-program",
      });
      stage.error = exposed(new BusinessError("the order is closed", { code: "ORDER_CLOSED" }));
      const from = performance.now();
      const seen = await ask(`${url}/reject`, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
      const { durationMs = Number.NaN, ...rest } = seen;
      expect(rest).toEqual({
        type: "https://example.com/problems/ORDER_CLOSED",
        title: "Bad Request",
        status: 400,
        detail: "the order is closed",
        instance: "/requests/17",
        code: "ORDER_CLOSED",
        timestamp: "2026-01-02T03:04:05.006Z",
        traceId,
      });
      expect(durationMs).toBeGreaterThan(0);
      expect(durationMs).toBeLessThan(performance.now() - from);
      expect(events[0]).toMatchObject({
        error: stage.error,
        failure: { code: "ORDER_CLOSED", kind: "business" },
        traceId,
      });
      for (const traceparent of ["", `ff-${traceId}-b7ad6b7169203331-01`, `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
        expect((await ask(`${url}/reject`, { traceparent })).traceId).toBe("of-the-program");
      }
    });

    it("no byte of the inside goes out: message, causes, stack, context, names, codes, headers, phrase", async () => {
      const url = await start();
      const leaking = (error: object): unknown =>
        Object.assign(error, {
          name: secret,
          stack: `${secret} at ${inside}`,
          sql: secret,
          headers: { "x-inside": secret, "retry-after": secret },
          toJSON: () => secret,
          errors: [new Error(secret)],
        });
      const context = { password: secret, path: inside };
      const cause = leaking(new Error(secret, { cause: new Error(inside) }));
      const errors = [
        leaking(new Error(secret, { cause })),
        leaking(new BusinessError(secret, { cause, context })),
        leaking(new ConsistencyError(secret, { cause, context, expectedState: secret, actualState: secret })),
        leaking(new NetworkError(secret, { cause, context })),
        leaking(new SystemError(secret, { cause, context, details: secret, component: secret, code: secret })),
        leaking(new AggregateError([cause], secret)),
        leaking(new AssertionError({ message: secret, actual: secret, expected: inside })),
        leaking(Object.assign(new Error(secret), { statusCode: 404, code: secret })),
        leaking(Object.assign(new Error(secret), { statusCode: 503, expose: true })),
        exposed(new SystemError(secret)),
        { message: secret, password: secret },
        secret,
      ];
      for (const error of errors) {
        stage.error = error;
        for (const path of ["/throw", "/reject", "/headers", "/file"]) {
          const bytes = await rawAnswer(url + path);
          expect(bytes).toMatch(/^HTTP\/1\.1 [45]\d\d [A-Z]/);
          expect(bytes).toContain("application/problem+json");
          expect(bytes).not.toContain(secret);
          expect(bytes).not.toContain(inside);
          expect(bytes).not.toContain(import.meta.dirname);
        }
      }
      // The listener has it all.
      expect(events.length).toBe(errors.length * 4);
      expect(events[0]?.failure.message).toContain(secret);
    });

    it("a message that is exposed is the detail, below 500, and what `detail` gives at any status", async () => {
      const url = await start();
      stage.error = Object.assign(new Error("no such order"), { status: 404, expose: true });
      expect(await ask(`${url}/reject`)).toMatchObject({ status: 404, detail: "no such order" });
      stage.error = exposed(new BusinessError("x".repeat(5_000)));
      expect((await ask(`${url}/reject`)).detail).toHaveLength(1_025);
      stage.error = Object.assign(new Error(`ENOENT: ${inside}`), { status: 404, expose: true, syscall: "stat" });
      expect((await ask(`${url}/reject`)).detail).toBeUndefined();
      await server?.close();
      const own = await start({ detail: (failure) => `ask about ${failure.code}`, statuses: { UNCLASSIFIED: 502 } });
      stage.error = new Error(secret);
      expect(await ask(`${own}/reject`)).toMatchObject({
        status: 502,
        code: "UNCLASSIFIED",
        detail: "ask about UNCLASSIFIED",
      });
    });

    it("takes whatever can be thrown, in bounded size", async () => {
      const url = await start();
      const cyclic = new Error("cyclic");
      cyclic.cause = Object.assign(new Error("inner", { cause: cyclic }), { errors: [cyclic] });
      const trap = new Proxy(new Error("trapped"), {
        get: (target, key) => {
          if (key === "then" || typeof key === "symbol") return Reflect.get(target, key) as unknown;
          throw new Error(secret);
        },
      });
      const long = exposed(new BusinessError("y".repeat(10_000_000)));
      const things: unknown[] = [
        undefined,
        null,
        0,
        "",
        secret,
        Symbol("x"),
        10n,
        {},
        [],
        () => secret,
        cyclic,
        trap,
        long,
      ];
      for (const thing of things) {
        stage.error = thing;
        const reply = await get(`${url}/reject`);
        const seen = checkProblem(reply.status, reply.headers, reply.body);
        expect([seen.status, reply.body.length < 2_000]).toEqual([thing === long ? 400 : 500, true]);
      }
      expect(events).toHaveLength(things.length);
    });

    it("a stream that fails midway is cut off, so that the client notices, and told once", async () => {
      const url = await start();
      stage.error = new Error(secret);
      const stream = send(`${url}/stream`);
      expect(await stream.first).toBe("first");
      stage.workshop.release();
      await expect(stream.reply).rejects.toThrow("aborted");
      await stage.workshop.until(() => events.length > 0);
      await server?.close();
      expect(events.map(({ error, outcome, status }) => [error, outcome, status])).toEqual([
        [stage.error, "cutOff", 200],
      ]);
    });

    it("a client that went away is answered nothing, and is no failure of the server", async () => {
      const url = await start();
      stage.error = new Error("too late");
      for (const [path, method] of [
        ["/work", undefined],
        ["/echo-work", "{}"],
      ] as const) {
        const before = stage.workshop.started;
        const sent = send(url + path, { "content-type": "application/json" }, method);
        await stage.workshop.until(() => stage.workshop.started > before);
        sent.hangUp();
        await expect(sent.reply).rejects.toThrow("socket hang up");
      }
      await server?.close();
      stage.workshop.release();
      await stage.workshop.until(() => events.length === 2);
      expect(events.map(({ outcome, status }) => [outcome, status])).toEqual([
        ["clientGone", 499],
        ["clientGone", 499],
      ]);
    });

    it("HEAD has the status and no body; a path that leads nowhere is 404 and no error", async () => {
      const url = await start();
      stage.error = new ConsistencyError("no");
      const bytes = await rawAnswer(`${url}/reject`, "HEAD");
      expect(bytes).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
      expect(bytes).toMatch(/\r\n\r\n$/);
      events = [];
      expect(await ask(`${url}/nowhere`)).toMatchObject({ status: 404, title: "Not Found", code: "NOT_FOUND" });
      expect(await rawAnswer(`${url}/nowhere`, "HEAD")).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*\r\n\r\n$/);
      expect(events).toEqual([]);
    });

    it("headers of the body that was meant are gone, others stay", async () => {
      const url = await start();
      stage.error = new BusinessError("no", { code: "TOO_MANY_REQUESTS" });
      const { status, headers, body } = await get(`${url}/headers`);
      checkProblem(status, headers, body);
      expect([headers.etag, headers["set-cookie"], headers["retry-after"]]).toEqual([undefined, ["a=b"], "77"]);
      stage.error = Object.assign(new Error("no"), {
        status: 401,
        headers: { "WWW-Authenticate": "Bearer", "x-other": "1", allow: "GET\r\nX: 1" },
      });
      const asked = await get(`${url}/reject`);
      const { "www-authenticate": scheme, allow } = asked.headers;
      expect([asked.status, scheme, asked.headers["x-other"], allow]).toEqual([401, "Bearer", undefined, undefined]);
    });

    it("refusals of the framework itself keep their status", async () => {
      const url = await start();
      const post = (body: string): Promise<SeenProblem> =>
        send(`${url}/echo`, { "content-type": "application/json" }, body).reply.then((reply) =>
          checkProblem(reply.status, reply.headers, reply.body),
        );
      expect(await post('{"broken')).toMatchObject({ status: 400, code: "INVALID_REQUEST" });
      expect(await post(JSON.stringify("z".repeat(2_000)))).toMatchObject({ status: 413, code: "PAYLOAD_TOO_LARGE" });
    });

    it("callbacks that fail change nothing", async () => {
      const fail = (): never => {
        throw new Error(secret);
      };
      const url = await start({
        typeUri: fail,
        instance: fail,
        traceId: fail,
        detail: fail,
        classify: fail,
        onError: fail,
      });
      stage.error = new BusinessError("no");
      expect(await ask(`${url}/throw`)).toMatchObject({ status: 400, type: "about:blank" });
      await server?.close();
      let rejected = 0;
      const later = await start({
        onError: async () => {
          rejected++;
          throw new Error(secret);
        },
      });
      stage.error = new BusinessError("no");
      expect((await ask(`${later}/throw`)).status).toBe(400);
      expect(rejected).toBe(1);
    });

    it("one request in five fails, fifty at a time: every answer is what it must be", async () => {
      const url = await start();
      const numbers = Array.from({ length: 3_000 }, (_, at) => at + 1);
      const replies = await load(
        url,
        numbers.map((n) => `/load/${n}`),
        50,
      );
      const counts: Record<string, number> = {};
      for (const [at, { status, headers, body }] of replies.entries()) {
        const n = at + 1;
        const code = n % 5 === 0 ? checkProblem(status, headers, body).code : body === `well ${n}` ? "well" : "wrong";
        counts[`${status} ${code}`] = (counts[`${status} ${code}`] ?? 0) + 1;
        expect(body).not.toContain(secret);
      }
      expect(counts).toEqual({
        "200 well": 2_400,
        "400 ORDER_CLOSED": 200,
        "404 NOT_FOUND": 200,
        "500 SERVER_FAILED": 200,
      });
      expect(events).toHaveLength(600);
    }, 30_000);

    it.each([
      [{ statuses: { GONE: 200 } }, "statuses.GONE must be an integer >= 400 and <= 599 (got 200)"],
      [{ statuses: [] }, "statuses must be an object"],
      [{ retryAfterMs: -1 }, "retryAfterMs must be a number >= 0 (got -1)"],
      [{ onError: "log" }, "onError must be a function"],
      [{ clock: {} }, "clock must be a clock"],
      [{ status: 500 }, "status is no option; there are classify, statuses"],
    ])("refuses %o", async (options, message) => {
      await expect(start(options as never)).rejects.toThrow(`${name.split(",", 1)[0]}.${message}`);
    });
  });
}
