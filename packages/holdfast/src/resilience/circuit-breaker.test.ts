import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import type { BreakerEvent } from "./breaker-event.ts";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { circuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";
import { pipeline } from "./pipeline.ts";
import { descriptionOf, type Staged } from "./stage.ts";
import { ResilienceError } from "./resilience-error.ts";
import { broken, fail, pending, rejection, succeed } from "./testing/breaker-trials.ts";

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

/** An operation that ends when the test says so. */
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
    const half = make({ jitter: 0.2, random: { next: () => 0.5 } });
    await fail(half.breaker, 3);
    expect(half.breaker.metrics.remainingOpenMs).toBe(1100);
    const never = make({ random: { next: () => expect.unreachable() } });
    await fail(never.breaker, 3);
    expect(never.breaker.metrics.remainingOpenMs).toBe(1000);
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
    expect(error.stack ?? "").not.toContain("\n");
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

  it("does not stay open when openMs says so", async () => {
    const { breaker } = make({ openMs: () => 0 });
    await fail(breaker, 3);
    expect(breaker.state).toBe("halfOpen");
  });

  it("begins in the state it is told", async () => {
    for (const state of ["forcedOpen", "disabled", "metricsOnly", "closed"] as const) {
      const { breaker, events } = make({ initialState: state });
      expect(breaker.state).toBe(state);
      expect(breaker.metrics.totals.stateChanges).toBe(0);
      if (state === "forcedOpen") expect((await rejection(breaker)).state).toBe(state);
      else expect(await breaker.execute(() => "runs")).toBe("runs");
      expect(events).toHaveLength(state === "forcedOpen" ? 1 : 0);
    }
  });

  it("knows since when it is in its state, on the wall clock", async () => {
    const { breaker, clock } = make();
    await clock.advance(500);
    await fail(breaker, 3);
    const since = clock.wallTime();
    await clock.advance(300);
    expect(breaker.metrics).toMatchObject({ state: "open", since, stateMs: 300, remainingOpenMs: 700 });
  });

  it("admits the share of a ramp-up that it is told to begin with", async () => {
    const { breaker, clock } = make({ rampUp: { ms: 1e9, startShare: 0.5 } });
    await fail(breaker, 3);
    await clock.advance(1000);
    await succeed(breaker);
    expect(Array.from({ length: 8 }, () => breaker.tryAcquire() !== undefined).filter(Boolean)).toHaveLength(4);
  });

  it("describes itself as it is now", async () => {
    const { breaker } = make({ failureRate: 0.5, window: { kind: "count", size: 2 } });
    const shown = { window: { kind: "count", size: 2 }, failureRate: 0.5, openMs: 1000, halfOpen: { probes: 1 } };
    const describe = (): unknown => (breaker as unknown as Staged)[descriptionOf];
    expect(describe()).toEqual({ kind: "circuitBreaker", name: "quotes", options: { ...shown, state: "closed" } });
    await fail(breaker, 2);
    breaker.update({ openMs: 5 });
    expect(describe()).toMatchObject({ options: { ...shown, openMs: 5, state: "open" } });
  });

  it("tells nothing when nothing changes, and under no name when it has none", async () => {
    const { breaker, events } = make();
    breaker.close();
    breaker.update({ openMs: 5 });
    expect(events).toEqual([]);
    const told: BreakerEvent[] = [];
    const nameless = circuitBreaker({ clock: new VirtualClock(), onEvent: (event) => told.push(event) });
    nameless.forceOpen();
    expect((await rejection(nameless)).message).toBe("circuit breaker is forcedOpen");
    expect(told.map(({ policy }) => policy)).toEqual(["", ""]);
  });

  it("keeps the options that an update leaves out", async () => {
    const { breaker } = make({ window: { kind: "count", size: 10 }, failureRate: 0.2, minimumCalls: 5 });
    breaker.update({ openMs: 50 });
    await succeed(breaker, 4);
    await fail(breaker);
    expect(breaker.metrics).toMatchObject({ state: "open", remainingOpenMs: 50 });
    // Without rates that the new window has no use for.
    breaker.update({ window: { kind: "consecutive", failures: 2 } });
    breaker.close();
    await fail(breaker, 2);
    expect(breaker.metrics).toMatchObject({ state: "open", remainingOpenMs: 50 });
  });
});
