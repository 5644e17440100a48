import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import type { BreakerEvent } from "./breaker-event.ts";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { circuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";
import { CircuitOpenError } from "./circuit-open-error.ts";
import { pipeline } from "./pipeline.ts";
import { ResilienceError } from "./resilience-error.ts";

const broken = new Error("broken");

async function fail(breaker: CircuitBreaker, times = 1, error: unknown = broken): Promise<void> {
  for (let call = 0; call < times; call++) {
    await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
  }
}

async function succeed(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let call = 0; call < times; call++) expect(await breaker.execute(() => "fine")).toBe("fine");
}

function make(options: CircuitBreakerOptions = {}): {
  readonly breaker: CircuitBreaker;
  readonly clock: VirtualClock;
  readonly events: BreakerEvent[];
} {
  const clock = new VirtualClock();
  const events: BreakerEvent[] = [];
  const breaker = circuitBreaker({
    window: { kind: "consecutive", failures: 3 },
    openMs: 1000,
    halfOpen: { probes: 1 },
    clock,
    onEvent: (event) => events.push(event),
    name: "quotes",
    ...options,
  });
  return { breaker, clock, events };
}

async function rejection(breaker: CircuitBreaker): Promise<CircuitOpenError> {
  const error: unknown = await breaker.execute(() => "not called").catch((error: unknown) => error);
  if (!(error instanceof CircuitOpenError)) throw new Error("expected a rejection");
  return error;
}

/** An operation that ends when the test says so. */
function pending(): { readonly operation: () => Promise<string>; resolve(): void; reject(error: unknown): void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { operation: () => promise, resolve: () => resolve("late"), reject };
}

describe("circuitBreaker", () => {
  it("opens, turns calls away, tries, and closes", async () => {
    const { breaker, clock, events } = make();
    await fail(breaker, 2);
    await succeed(breaker);
    await fail(breaker, 3);
    expect(breaker.state).toBe("open");
    await clock.advance(400);
    const error = await rejection(breaker);
    expect(error).toMatchObject({
      code: "CIRCUIT_OPEN",
      retryable: true,
      state: "open",
      remainingOpenMs: 600,
      retryAfterMs: 600,
    });
    expect(error.message).toBe("circuit breaker quotes is open");
    await clock.advance(600);
    expect(breaker.state).toBe("halfOpen");
    await succeed(breaker);
    expect(breaker.state).toBe("closed");
    expect(events.map(({ type }) => type)).toEqual([
      "breakerOpened",
      "breakerRejected",
      "breakerHalfOpened",
      "breakerClosed",
    ]);
    expect(events[0]).toEqual({
      type: "breakerOpened",
      at: clock.wallTime() - 1000,
      policy: "quotes",
      from: "closed",
      to: "open",
      reason: "failures",
      openMs: 1000,
    });
    expect(breaker.metrics).toMatchObject({
      totals: { successes: 2, failures: 5, rejected: 1, late: 0, stateChanges: 3 },
    });
    expect(clock.pending).toBe(0);
  });

  it("pitfall 2: results of calls from before an opening neither close nor open", async () => {
    const { breaker, clock } = make();
    const calls = [pending(), pending()] as const;
    const [failing, succeeding] = calls.map(({ operation }) => breaker.execute(operation));
    await fail(breaker, 3);
    await clock.advance(1000);
    const probe = pending();
    const probing = breaker.execute(probe.operation);
    calls[0].reject(broken);
    calls[1].resolve();
    await expect(failing).rejects.toBe(broken);
    await expect(succeeding).resolves.toBe("late");
    expect(breaker.state).toBe("halfOpen");
    expect((await rejection(breaker)).state).toBe("halfOpen");
    probe.resolve();
    await probing;
    expect(breaker.state).toBe("closed");
    expect(breaker.metrics.totals.late).toBe(2);
  });

  it.each(["open", "closed"] as const)(
    "pitfall 3: a probe that never ends makes it %s after maxMs",
    async (afterMaxMs) => {
      const { breaker, clock } = make({ halfOpen: { probes: 1, maxMs: 500, afterMaxMs } });
      await fail(breaker, 3);
      await clock.advance(1000);
      void breaker.execute(() => new Promise(() => undefined));
      await clock.advance(499);
      expect(breaker.state).toBe("halfOpen");
      await clock.advance(1);
      expect(breaker.state).toBe(afterMaxMs);
    },
  );

  it("pitfall 3, 4: a probe that is ignored returns its permit", async () => {
    const { breaker, clock } = make({ ignore: (error) => error === "ignored" });
    await fail(breaker, 3);
    await clock.advance(1000);
    await fail(breaker, 5, "ignored");
    expect(breaker.state).toBe("halfOpen");
    await succeed(breaker);
    expect(breaker.state).toBe("closed");
    expect(breaker.metrics.totals.ignored).toBe(5);
  });

  it("pitfall 4: a probe that the caller gives up returns its permit at once, also when it never ends", async () => {
    const { breaker, clock } = make();
    await fail(breaker, 3);
    await clock.advance(1000);
    const controller = new AbortController();
    const probe = pending();
    const given = breaker.execute(probe.operation, { signal: controller.signal });
    expect((await rejection(breaker)).state).toBe("halfOpen");
    controller.abort(new Error("stop"));
    await expect(given).rejects.toThrow("stop");
    expect(breaker.metrics).toMatchObject({ state: "halfOpen", probing: 0 });
    await succeed(breaker);
    expect(breaker.state).toBe("closed");
    probe.reject(broken);
    await clock.advance(0);
    expect(breaker.metrics.totals).toMatchObject({ failures: 3, successes: 1, ignored: 1 });
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("leaves no listener on a signal that lives longer than its probes", async () => {
    const { breaker, clock } = make({ halfOpen: { probes: 2 } });
    await fail(breaker, 3);
    await clock.advance(1000);
    const { signal } = new AbortController();
    await breaker.execute(() => 1, { signal });
    await expect(breaker.execute(() => Promise.reject(broken), { signal })).rejects.toBe(broken);
    expect(breaker.state).toBe("open");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("counts a call that the caller gives up neither as a failure nor as a success", async () => {
    const { breaker, clock } = make({ window: { kind: "count", size: 10 }, minimumCalls: 1 });
    for (const end of ["resolve", "reject"] as const) {
      const controller = new AbortController();
      const call = pending();
      const result = breaker.execute(call.operation, { signal: controller.signal });
      controller.abort(broken);
      await expect(result).rejects.toBe(broken);
      if (end === "resolve") call.resolve();
      else call.reject(broken);
      await clock.advance(0);
    }
    expect(breaker.metrics).toMatchObject({ state: "closed", window: { calls: 0 }, totals: { ignored: 2 } });
  });

  it("pitfall 5: rejects whom it cannot probe with, and queues nobody", async () => {
    const { breaker, clock } = make({ halfOpen: { probes: 4 } });
    await fail(breaker, 3);
    await clock.advance(1000);
    let running = 0;
    const gate = pending();
    const crowd = Array.from({ length: 50 }, () =>
      breaker.execute(() => {
        running++;
        return gate.operation();
      }),
    );
    expect(running).toBe(4);
    gate.resolve();
    const ends = await Promise.allSettled(crowd);
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
    expect(running).toBe(4);
    expect(breaker.state).toBe("closed");
  });

  it("admits a growing share after closing, and opens again in the meantime", async () => {
    const { breaker, clock, events } = make({ rampUp: { ms: 1000, startShare: 0.1 }, openMs: (times) => times * 1000 });
    await fail(breaker, 3);
    await clock.advance(1000);
    await succeed(breaker);
    expect(breaker.state).toBe("rampUp");
    const admitted: number[] = [];
    for (let quarter = 0; quarter < 4; quarter++) {
      let count = 0;
      for (let call = 0; call < 100; call++) if (breaker.tryAcquire() !== undefined) count++;
      admitted.push(count);
      await clock.advance(250);
    }
    expect(admitted).toEqual([10, 33, 55, 77].map((count) => expect.closeTo(count, -0.5)));
    expect(breaker.state).toBe("closed");
    await fail(breaker, 3);
    expect(breaker.metrics.remainingOpenMs).toBe(1000);
    await clock.advance(1000);
    await succeed(breaker);
    await clock.advance(900);
    for (let call = 0; call < 3; call++) breaker.tryAcquire()?.failure(broken);
    for (let call = 0; breaker.state === "rampUp" && call < 10; call++) breaker.tryAcquire()?.failure(broken);
    expect(breaker.metrics).toMatchObject({ state: "open", remainingOpenMs: 2000, timesOpened: 2 });
    expect(events.map(({ type }) => type)).toContain("breakerRampUpStarted");
  });

  it("opens for longer each time, at most maxOpenMs, and lengthens by jitter alone", async () => {
    const { breaker, clock } = make({ openMs: (times) => 1000 * 2 ** (times - 1), maxOpenMs: 3000 });
    const opened: number[] = [];
    await fail(breaker, 3);
    for (let time = 0; time < 3; time++) {
      opened.push(breaker.metrics.remainingOpenMs);
      await clock.advance(breaker.metrics.remainingOpenMs);
      await fail(breaker);
    }
    expect(opened).toEqual([1000, 2000, 3000]);
    for (let seed = 0; seed < 20; seed++) {
      const { breaker } = make({ jitter: 0.2, random: seededRandom(seed) });
      await fail(breaker, 3);
      expect(breaker.metrics.remainingOpenMs).toBeGreaterThanOrEqual(1000);
      expect(breaker.metrics.remainingOpenMs).toBeLessThan(1200);
    }
  });

  it.each([
    () => Number.NaN,
    () => -1,
    () => undefined as unknown as number,
    () => {
      throw broken;
    },
  ])("stays open for the default when openMs gives no time", async (openMs) => {
    const { breaker } = make({ openMs });
    await fail(breaker, 3);
    expect(breaker.metrics.remainingOpenMs).toBe(60_000);
  });

  it("opens on one outcome that names a time", async () => {
    for (const ignored of [true, false]) {
      const { breaker } = make({
        openOn: (result, kind) => (kind === "error" ? (result as { waitMs?: number }).waitMs : undefined),
        ignore: () => ignored,
      });
      await fail(breaker);
      expect(breaker.state).toBe("closed");
      await fail(breaker, 1, { waitMs: 7000 });
      expect(breaker.metrics).toMatchObject({ state: "open", remainingOpenMs: 7000 });
    }
    const { breaker } = make({ openOn: (result, kind) => (kind === "value" && result === "busy" ? 50 : undefined) });
    expect(await breaker.execute(() => "busy")).toBe("busy");
    expect(breaker.metrics.remainingOpenMs).toBe(50);
  });

  it("judges results and errors as it is told", async () => {
    const { breaker } = make({
      isFailure: (error) => error !== "not found",
      isFailureResult: (value) => value === 500,
    });
    await fail(breaker, 5, "not found");
    expect(breaker.metrics).toMatchObject({ state: "closed", window: { failures: 0 } });
    for (let call = 0; call < 3; call++) expect(await breaker.execute(() => 500)).toBe(500);
    expect(breaker.state).toBe("open");
  });

  it("does not count what a policy further in turned away", async () => {
    const { breaker } = make();
    await fail(breaker, 5, new CircuitOpenError("inner", "open", 5));
    await fail(breaker, 5, new ResilienceError("full", { code: "BULKHEAD_FULL", kind: "resource" }));
    expect(breaker.metrics).toMatchObject({ state: "closed", totals: { failures: 0, ignored: 10 } });
  });

  it("pitfall 14: calls under way do not dilute the rate", async () => {
    const { breaker } = make({ window: { kind: "count", size: 100 }, minimumCalls: 15, failureRate: 0.5 });
    for (let call = 0; call < 20; call++) void breaker.execute(() => new Promise(() => undefined));
    await fail(breaker, 15);
    expect(breaker.state).toBe("open");
  });

  it("pitfall 15: takes operations that throw, return nothing, a value or a thenable", async () => {
    const { breaker } = make();
    expect(await breaker.execute(() => undefined)).toBeUndefined();
    expect(await breaker.execute(() => 5)).toBe(5);
    // eslint-disable-next-line unicorn/no-thenable -- that is what it is to take
    const thenable = { then: (resolve: (value: number) => void) => resolve(7) } as unknown as PromiseLike<number>;
    expect(await breaker.execute(() => thenable)).toBe(7);
    await expect(
      breaker.execute(() => {
        throw broken;
      }),
    ).rejects.toBe(broken);
    expect(breaker.metrics.totals).toMatchObject({ successes: 3, failures: 1 });
  });

  it("pitfall 23: a jump of the wall clock moves nothing", async () => {
    const { breaker, clock } = make({ window: { kind: "time", ms: 10_000 }, minimumCalls: 4 });
    await fail(breaker, 2);
    clock.jumpWallTime(3_600_000);
    await fail(breaker, 2);
    expect(breaker.state).toBe("open");
    clock.jumpWallTime(-7_200_000);
    expect(breaker.metrics.remainingOpenMs).toBe(1000);
    await clock.advance(1000);
    expect(breaker.state).toBe("halfOpen");
  });

  it("pitfall 1: old failures do not count after an idle time", async () => {
    const { breaker, clock } = make({ window: { kind: "time", ms: 1000 }, minimumCalls: 5 });
    await fail(breaker, 4);
    await clock.advance(3_600_000);
    expect(breaker.metrics.window).toMatchObject({ calls: 0, failureRate: 0 });
    await fail(breaker);
    expect(breaker.state).toBe("closed");
  });

  it("pitfall 25: listeners and predicates that throw change nothing about a call", async () => {
    const angry = (): never => {
      throw new Error("angry");
    };
    const { breaker } = make({
      onEvent: angry,
      isFailure: angry,
      isFailureResult: angry,
      ignore: angry,
      openOn: angry,
    });
    await succeed(breaker);
    await fail(breaker, 3);
    expect(breaker.metrics).toMatchObject({ state: "open", totals: { successes: 1, failures: 3 } });
    expect((await rejection(breaker)).state).toBe("open");
  });

  it("a listener may change the state it is told of", async () => {
    const clock = new VirtualClock();
    const breaker: CircuitBreaker = circuitBreaker({
      clock,
      openMs: 10,
      onEvent: ({ type }) => {
        if (type === "breakerHalfOpened") breaker.forceOpen();
      },
    });
    await fail(breaker, 5);
    await clock.advance(10);
    expect((await rejection(breaker)).state).toBe("forcedOpen");
  });

  it("pitfall 28: says that it is a rejection and when to try again", async () => {
    const { breaker } = make();
    await fail(breaker, 3);
    const error = await rejection(breaker);
    expect(error).toBeInstanceOf(ResilienceError);
    expect(error.stack).not.toContain("\n");
    expect(error.toJSON()).toMatchObject({ code: "CIRCUIT_OPEN", state: "open", retryAfterMs: 1000 });
    breaker.forceOpen();
    expect((await rejection(breaker)).retryAfterMs).toBeUndefined();
  });

  it("stays as it was set by hand, until it is lifted", async () => {
    const { breaker, clock } = make();
    breaker.forceOpen();
    await clock.advance(1e9);
    expect((await rejection(breaker)).remainingOpenMs).toBe(Number.POSITIVE_INFINITY);
    breaker.metricsOnly();
    await fail(breaker, 9);
    expect(breaker.metrics).toMatchObject({ state: "metricsOnly", window: { failures: 9 } });
    breaker.disable();
    await fail(breaker, 9);
    breaker.tryAcquire()?.failure(broken);
    expect(breaker.metrics).toMatchObject({ state: "disabled", window: { failures: 0 }, totals: { failures: 9 } });
    breaker.close();
    await fail(breaker, 3);
    expect(breaker.state).toBe("open");
    breaker.reset();
    expect(breaker.metrics).toMatchObject({
      state: "closed",
      timesOpened: 0,
      totals: { failures: 0, stateChanges: 0 },
    });
  });

  it("hands out permits that report once", () => {
    const { breaker } = make();
    for (let call = 0; call < 2; call++) {
      const permit = breaker.tryAcquire();
      permit?.failure(broken);
      permit?.failure(broken);
      permit?.success();
      permit?.release();
    }
    expect(breaker.metrics).toMatchObject({ state: "closed", totals: { failures: 2, successes: 0, ignored: 0 } });
    breaker.tryAcquire()?.failure(broken);
    expect(breaker.tryAcquire()).toBeUndefined();
  });

  it("counts slow calls when they end", async () => {
    const { breaker, clock } = make({
      window: { kind: "count", size: 10 },
      minimumCalls: 4,
      slowCall: { ms: 100, rate: 0.5 },
    });
    for (const ms of [99, 100, 5]) {
      const call = pending();
      const result = breaker.execute(call.operation);
      await clock.advance(ms);
      call.resolve();
      await result;
    }
    expect(breaker.metrics.window).toMatchObject({ calls: 3, slow: 1 });
    const last = pending();
    const result = breaker.execute(last.operation);
    await clock.advance(1000);
    expect(breaker.state).toBe("closed");
    last.resolve();
    expect(await result).toBe("late");
    expect(breaker.state).toBe("open");
  });

  it("counts calls that are slow before they end, once, and not those given up", async () => {
    const { breaker, clock } = make({
      window: { kind: "count", size: 10 },
      minimumCalls: 3,
      slowCall: { ms: 100, rate: 1, inFlight: true },
    });
    const controller = new AbortController();
    const calls = [pending(), pending(), pending()] as const;
    const given = breaker.execute(() => new Promise(() => undefined), { signal: controller.signal });
    const results = calls.map(({ operation }) => breaker.execute(operation));
    controller.abort(broken);
    await expect(given).rejects.toBe(broken);
    await clock.advance(99);
    expect(breaker.metrics.window.slow).toBe(0);
    await clock.advance(1);
    expect(breaker.metrics).toMatchObject({ state: "open", totals: { slow: 3, ignored: 1 } });
    for (const call of calls) call.resolve();
    expect(await Promise.all(results)).toEqual(["late", "late", "late"]);
    expect(breaker.metrics.totals).toMatchObject({ slow: 3, successes: 3, late: 0 });
  });

  it("takes other options while calls run, and keeps its window", async () => {
    const { breaker } = make({ window: { kind: "count", size: 10 }, minimumCalls: 10 });
    await fail(breaker, 4);
    const running = pending();
    const result = breaker.execute(running.operation);
    expect(() => breaker.update({ minimumCalls: 0 })).toThrow("circuitBreaker.minimumCalls must be an integer >= 1");
    breaker.update({ window: { kind: "count", size: 5 }, minimumCalls: 5 });
    expect(breaker.metrics.window.failures).toBe(4);
    running.reject(broken);
    await expect(result).rejects.toBe(broken);
    expect(breaker.state).toBe("open");
    breaker.update({ window: { kind: "consecutive", failures: 1 } });
    breaker.close();
    await fail(breaker);
    expect(breaker.state).toBe("open");
  });

  it("goes on from an export", async () => {
    const { breaker, clock } = make();
    await fail(breaker, 3);
    await clock.advance(300);
    const other = make({ initialState: JSON.parse(JSON.stringify(breaker.export())) });
    expect((await rejection(other.breaker)).remainingOpenMs).toBe(700);
    await other.clock.advance(700);
    await succeed(other.breaker);
    expect(other.breaker.state).toBe("closed");
  });

  it("takes part in a pipeline, and gives up before it asks when the call was given up", async () => {
    const { breaker } = make();
    const policy = pipeline(breaker, make().breaker);
    expect(await policy.execute(() => 1)).toBe(1);
    expect(await breaker.wrap((a: number, b: number) => a + b)(2, 3)).toBe(5);
    await expect(breaker.execute(() => 1, { signal: AbortSignal.abort(broken) })).rejects.toBe(broken);
    expect(breaker.metrics.totals.successes).toBe(2);
  });
});
