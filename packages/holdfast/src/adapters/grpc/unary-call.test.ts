import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import {
  bulkhead,
  circuitBreaker,
  fallback,
  hedge,
  pipeline,
  rateLimiter,
  retry,
  RetriesExhaustedError,
  timeout,
  type Policy,
  type RetryOptions,
} from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { ask } from "./testing/ask.ts";
import { Relay } from "./testing/relay.ts";
import { echo, FailingService, fails, silence, type EchoClient, type Respond } from "./testing/failing-service.ts";
import { resilienceInterceptor, type ResilienceInterceptorOptions } from "./index.ts";

/** A retry whose waits take no time, and how long they would have been. */
function patience(options: RetryOptions = {}): { policy: Policy; delays: number[] } {
  const clock = new VirtualClock();
  const delays: number[] = [];
  const onEvent: RetryOptions["onEvent"] = (event) => {
    if (event.type !== "retry") return;
    delays.push(event.delayMs);
    setImmediate(() => void clock.advance(event.delayMs));
  };
  return { policy: retry({ clock, jitter: "none", onEvent, ...options }), delays };
}

function through(
  policy: Policy<unknown>,
  options?: ResilienceInterceptorOptions,
): { interceptors: [ReturnType<typeof resilienceInterceptor>] } {
  return { interceptors: [resilienceInterceptor(policy, options)] };
}

const unavailable = fails(status.UNAVAILABLE);

describe("unary calls: retries", () => {
  it("tries again with the same message and metadata, and gives one attempt's answer alone", async () => {
    using service = await FailingService.start([unavailable, unavailable, echo]);
    const { policy, delays } = patience();
    const metadata = new Metadata();
    metadata.set("tenant", "seven");
    const asked = await ask(service.client(through(policy)), "hello", { metadata });
    expect(asked.answer).toBe("echo hello");
    expect(asked.error).toBeNull();
    expect(service.calls.map(({ request }) => request)).toEqual(["hello", "hello", "hello"]);
    expect(service.calls.map(({ metadata }) => metadata.get("tenant"))).toEqual([["seven"], ["seven"], ["seven"]]);
    expect(service.calls.map(({ metadata }) => metadata.get("grpc-previous-rpc-attempts"))).toEqual([[], ["1"], ["2"]]);
    expect(metadata.getMap()).toEqual({ tenant: "seven" });
    expect(asked.headers.map((headers) => headers.get("served-by"))).toEqual([["echo"]]);
    expect(asked.status?.metadata.get("trailer")).toEqual(["last"]);
    expect(delays).toEqual([100, 200]);
  });

  it("gives the last status with its trailers when nothing helps", async () => {
    using service = await FailingService.start([
      unavailable,
      unavailable,
      fails(status.UNAVAILABLE, { reason: "sick" }),
    ]);
    const { error } = await ask(service.client(through(patience().policy)), "x");
    expect(error).toMatchObject({ code: status.UNAVAILABLE, details: "failed with 14" });
    expect(error?.metadata.get("reason")).toEqual(["sick"]);
    expect(error?.cause).toBeInstanceOf(RetriesExhaustedError);
    expect(error?.cause).toMatchObject({ attempts: 3, cause: { code: "GRPC_STATUS", status: 14, kind: "network" } });
    expect(service.calls).toHaveLength(3);
  });

  it.each([
    status.CANCELLED,
    status.UNKNOWN,
    status.INVALID_ARGUMENT,
    status.DEADLINE_EXCEEDED,
    status.NOT_FOUND,
    status.ABORTED,
    status.INTERNAL,
    status.UNAUTHENTICATED,
  ])("does not try %i again, and passes it through", async (code) => {
    using service = await FailingService.start([fails(code, { reason: "mine" }), echo]);
    const { error } = await ask(service.client(through(patience().policy)), "x");
    expect(error).toMatchObject({ code, details: `failed with ${code}` });
    expect(error?.metadata.get("reason")).toEqual(["mine"]);
    expect(service.calls).toHaveLength(1);
  });

  it("takes other codes, as a list and as a function", async () => {
    for (const retryOn of [[status.ABORTED], (code: number) => code === 10]) {
      using service = await FailingService.start([fails(status.ABORTED), unavailable, echo]);
      const { error } = await ask(service.client(through(patience().policy, { retryOn })), "x");
      expect(error?.code).toBe(status.UNAVAILABLE);
      expect(service.calls).toHaveLength(2);
    }
  });

  it("waits as long as the server's trailer says", async () => {
    const busy = fails(status.RESOURCE_EXHAUSTED, { "grpc-retry-pushback-ms": "4321" });
    using service = await FailingService.start([busy, echo]);
    const { policy, delays } = patience();
    expect((await ask(service.client(through(policy)), "x")).answer).toBe("echo x");
    expect(delays).toEqual([4321]);
  });

  it.each(["-1", "soon"])("does not try again when the trailer says %s", async (pushback) => {
    const never = fails(status.UNAVAILABLE, { "grpc-retry-pushback-ms": pushback });
    using service = await FailingService.start([never, echo]);
    const { error } = await ask(service.client(through(patience().policy)), "x");
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(service.calls).toHaveLength(1);
  });

  it("calls a method once that must not be repeated, whatever the policies want", async () => {
    const repeatable = (path: string): boolean => path !== "/test.Echo/Say";
    const eager = patience({ retryOn: () => true, maxAttempts: 2 }).policy;
    using service = await FailingService.start([unavailable, echo]);
    const { error } = await ask(service.client(through(eager, { repeatable })), "x");
    expect(error).toMatchObject({ code: status.UNAVAILABLE, details: "failed with 14" });
    expect(service.calls).toHaveLength(1);
  });

  it("tries again when nobody listens yet", async () => {
    using service = await FailingService.start([echo]);
    await using relay = await Relay.to(service.address);
    const client: EchoClient = service.client(
      { interceptors: [(options, next) => interceptor(options, next)] },
      relay.address,
    );
    await relay.stop();
    const clock = new VirtualClock();
    const errors: unknown[] = [];
    const comeBack = async (delayMs: number): Promise<void> => {
      await relay.start();
      await new Promise<void>((resolve) => client.waitForReady(Infinity, () => resolve()));
      await clock.advance(delayMs);
    };
    const interceptor = resilienceInterceptor(
      retry({
        clock,
        onEvent: (event) => {
          if (event.type !== "retry") return;
          errors.push(event.error);
          void comeBack(event.delayMs);
        },
      }),
    );
    expect((await ask(client, "again")).answer).toBe("echo again");
    expect(errors).toMatchObject([
      { code: "GRPC_STATUS", status: 14, details: expect.stringContaining("ECONNREFUSED") },
    ]);
  });

  it("tries again when the connection is cut during a call", async () => {
    using service = await FailingService.start([silence, echo]);
    await using relay = await Relay.to(service.address);
    const { policy, delays } = patience();
    const asked = ask(
      service.client({ ...through(policy), "grpc.initial_reconnect_backoff_ms": 100 }, relay.address),
      "x",
    );
    await service.until(() => service.calls.length === 1);
    relay.cut();
    expect((await asked).answer).toBe("echo x");
    expect(delays).toHaveLength(1);
    expect(service.calls).toHaveLength(2);
  });

  it("hedges: the loser is cancelled and leaves no trace", async () => {
    using service = await FailingService.start([silence, echo]);
    const clock = new VirtualClock();
    const asked = ask(service.client(through(hedge({ delayMs: 50, clock }))), "x");
    await service.until(() => service.calls.length === 1);
    await clock.advance(50);
    expect((await asked).answer).toBe("echo x");
    await service.until(() => service.cancelled.length === 1);
    expect(service.calls).toHaveLength(2);
  });
});

describe("unary calls: what policies reject with", () => {
  it("an open breaker is UNAVAILABLE, and calls that failed by the caller's fault do not open it", async () => {
    using service = await FailingService.start([
      fails(status.INVALID_ARGUMENT),
      fails(status.INVALID_ARGUMENT),
      unavailable,
    ]);
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 2 } });
    const client = service.client(through(breaker));
    for (let call = 0; call < 3; call++) await ask(client, "x");
    expect(breaker.state).toBe("closed");
    await ask(client, "x");
    expect(breaker.state).toBe("open");
    const { error } = await ask(client, "x");
    expect(error).toMatchObject({ code: status.UNAVAILABLE, cause: { code: "CIRCUIT_OPEN" } });
    expect(error?.metadata.getMap()).toEqual({});
    expect(service.calls).toHaveLength(4);
  });

  it("a full bulkhead and a used up rate are RESOURCE_EXHAUSTED", async () => {
    let release = (): void => {};
    const held: Respond = (call, done) => void (release = () => echo(call, done));
    using service = await FailingService.start([held, echo]);
    const client = service.client(through(bulkhead({ maxConcurrent: 1, maxQueue: 0 })));
    const first = ask(client, "first");
    await service.until(() => service.calls.length === 1);
    expect((await ask(client, "second")).error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      cause: { code: "BULKHEAD_FULL" },
    });
    release();
    expect((await first).answer).toBe("echo first");
    expect((await ask(client, "third")).answer).toBe("echo third");

    const limits = { permits: 1, perMs: 1_000 };
    const key = ({ metadata }: { metadata: Metadata }): string => String(metadata.get("tenant")[0]);
    const limited = service.client(through(rateLimiter({ limits, clock: new VirtualClock() }), { key }));
    const tenant = (name: string): Metadata => {
      const metadata = new Metadata();
      metadata.set("tenant", name);
      return metadata;
    };
    expect((await ask(limited, "a", { metadata: tenant("a") })).error).toBeNull();
    expect((await ask(limited, "b", { metadata: tenant("b") })).error).toBeNull();
    expect((await ask(limited, "a", { metadata: tenant("a") })).error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      cause: { code: "RATE_LIMITED", retryAfterMs: expect.any(Number) },
    });
  });

  it("a timeout is DEADLINE_EXCEEDED, and the server hears of it", async () => {
    using service = await FailingService.start([silence]);
    const clock = new VirtualClock();
    const asked = ask(service.client(through(timeout({ timeoutMs: 100, clock }))), "x");
    await service.until(() => service.calls.length === 1);
    await clock.advance(100);
    const { error } = await asked;
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED, cause: { code: "OPERATION_TIMED_OUT" } });
    await service.until(() => service.cancelled.length === 1);
  });

  it("a fallback's value is the answer", async () => {
    using service = await FailingService.start([unavailable]);
    const asked = await ask(service.client(through(fallback(() => "kept"))), "x");
    expect([asked.answer, asked.error, asked.status?.code]).toEqual(["kept", null, status.OK]);
  });

  it("what a callback throws ends the call with UNKNOWN", async () => {
    using service = await FailingService.start([echo]);
    const key = (): string => {
      throw new TypeError("no tenant");
    };
    const { error } = await ask(service.client(through(bulkhead(), { key })), "x");
    expect(error).toMatchObject({ code: status.UNKNOWN, details: "no tenant" });
    expect(service.calls).toHaveLength(0);
  });

  it("a client that was closed fails the call", async () => {
    using service = await FailingService.start([echo]);
    const client = service.client(through(patience().policy));
    client.close();
    const { error } = await ask(client, "x");
    expect(error).toMatchObject({ code: status.INTERNAL, details: "Channel has been shut down" });
  });
});

describe("unary calls: the caller's cancellation and deadline", () => {
  it("cancels the attempt under way", async () => {
    using service = await FailingService.start([silence]);
    let cancel = (): void => {};
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 } });
    const asked = ask(service.client(through(breaker)), "x", { onStart: (it) => void (cancel = it) });
    await service.until(() => service.calls.length === 1);
    cancel();
    expect((await asked).error).toMatchObject({ code: status.CANCELLED, details: "Cancelled on client" });
    await service.until(() => service.cancelled.length === 1);
    expect(breaker.state).toBe("closed");
  });

  it("cancels the wait between attempts", async () => {
    using service = await FailingService.start([unavailable]);
    const clock = new VirtualClock();
    let cancel = (): void => {};
    // The wait begins after its event.
    const policy = retry({ clock, onEvent: () => setImmediate(() => cancel()) });
    const asked = await ask(service.client(through(policy)), "x", { onStart: (it) => void (cancel = it) });
    expect(asked.error).toMatchObject({ code: status.CANCELLED, details: "Cancelled on client" });
    expect(service.calls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it("ends the wait between attempts at the deadline", async () => {
    using service = await FailingService.start([unavailable]);
    const clock = new VirtualClock();
    const deadline = Date.now() + 150;
    const { error } = await ask(service.client(through(retry({ clock, jitter: "none" }))), "x", { deadline });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(Date.now()).toBeGreaterThanOrEqual(deadline);
    expect(service.calls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it("gives all attempts one deadline, and leaves the words about it to who kept it", async () => {
    using service = await FailingService.start([silence]);
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 } });
    const eager = pipeline(patience({ retryOn: () => true }).policy, breaker);
    const { error } = await ask(service.client(through(eager)), "x", { deadline: new Date(Date.now() + 100) });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    // The server keeps the deadline too, and may be the first to say so.
    expect(error?.details).toMatch(/^Deadline exceeded(?! between)/);
    expect(service.calls).toHaveLength(1);
    expect(breaker.state).toBe("open");
  });

  it("what the callback throws is not swallowed", async () => {
    using service = await FailingService.start([echo]);
    const thrown = Promise.withResolvers<unknown>();
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", thrown.resolve);
    const client = service.client(through(bulkhead()));
    client.say("x", new Metadata(), {}, (_error: ServiceError | null) => {
      throw new Error("the callback's own");
    });
    expect(await thrown.promise).toMatchObject({ message: "the callback's own" });
    for (const listener of listeners) process.on("uncaughtException", listener);
  });
});

describe("options", () => {
  it.each([
    [{ retryOn: [0] }, "grpc.retryOn[0] must be an integer >= 1 and <= 16 (got 0)"],
    [{ failOn: "UNAVAILABLE" }, "grpc.failOn must be a list of codes or a function"],
    [{ key: "tenant" }, "grpc.key must be a function"],
    [{ retries: 3 }, "grpc.retries is no option; there are retryOn"],
  ])("refuses %o", (options, message) => {
    expect(() => resilienceInterceptor(bulkhead(), options as never)).toThrow(message);
  });

  it("refuses what is no policy", () => {
    expect(() => resilienceInterceptor({} as never)).toThrow("grpc.policy must be a policy");
  });
});
