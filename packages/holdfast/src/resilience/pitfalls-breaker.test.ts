import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import {
  circuitBreaker,
  fallback,
  pipeline,
  throttle,
  type CircuitBreaker,
  type CircuitBreakerOptions,
} from "./index.ts";

/** Mistakes that circuit breakers have made, one test each: what time, late answers and crowds do to their verdicts. */

const boom = new Error("boom");

function make(options: CircuitBreakerOptions = {}): { readonly breaker: CircuitBreaker; readonly clock: VirtualClock } {
  const clock = new VirtualClock();
  const defaults: CircuitBreakerOptions = {
    window: { kind: "consecutive", failures: 3 },
    openMs: 1_000,
    halfOpen: { probes: 1, maxMs: 500 },
  };
  return { clock, breaker: circuitBreaker({ ...defaults, ...options, clock }) };
}

async function fail(breaker: CircuitBreaker, times = 3): Promise<void> {
  for (let call = 0; call < times; call++) {
    await expect(breaker.execute(() => Promise.reject(boom))).rejects.toBe(boom);
  }
}

async function halfOpened(options: CircuitBreakerOptions = {}): Promise<ReturnType<typeof make>> {
  const made = make(options);
  await fail(made.breaker);
  await made.clock.advance(1_000);
  expect(made.breaker.state).toBe("halfOpen");
  return made;
}

describe("mistakes of circuit breakers", () => {
  it("pitfall 1: after an idle hour one failure is one failure, also for who only reads", async () => {
    const { breaker, clock } = make({ window: { kind: "time", ms: 10_000 }, minimumCalls: 11, failureRate: 0.5 });
    await fail(breaker, 10);
    // A pause shorter than the window takes as many parts of it along as it lasted.
    await clock.advance(6_000);
    expect(breaker.metrics.window.failures).toBe(10);
    await clock.advance(6_000);
    expect(breaker.metrics.window.failures).toBe(0);
    await fail(breaker, 10);
    await clock.advance(3_600_000);
    expect(breaker.metrics.window).toMatchObject({ calls: 0, failures: 0 });
    await fail(breaker, 1);
    expect(breaker.metrics).toMatchObject({ state: "closed", window: { calls: 1, failures: 1 } });

    const shedding = throttle({ windowMs: 10_000, clock, random: { next: () => 0 } });
    for (let call = 0; call < 20; call++) await shedding.execute(() => Promise.reject(boom)).catch(() => undefined);
    await expect(shedding.execute(() => 1)).rejects.toMatchObject({ code: "THROTTLED" });
    await clock.advance(3_600_000);
    expect(await shedding.execute(() => 1)).toBe(1);
  });

  it.each(["failure", "success"] as const)("pitfall 2: a late %s of a closed time decides nothing", async (late) => {
    const { breaker, clock } = make();
    const before = Promise.withResolvers<string>();
    const old = breaker.execute(() => before.promise);
    await fail(breaker);
    await clock.advance(1_000);
    const answer = Promise.withResolvers<string>();
    const probe = breaker.execute(() => answer.promise);
    if (late === "failure") before.reject(boom);
    else before.resolve("late");
    await old.catch(() => undefined);
    // Neither decided, nor was the probe's place given away.
    expect(breaker.metrics).toMatchObject({ state: "halfOpen", probing: 1, totals: { late: 1 } });
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    answer.resolve("well");
    expect(await probe).toBe("well");
    expect(breaker.state).toBe("closed");
  });

  it("pitfall 3: a probe that is ignored, given up or never ends leaves a way out of half-open", async () => {
    const ignored = await halfOpened({ ignore: (error) => error === "ignore me" });
    await ignored.breaker.execute(() => Promise.reject("ignore me")).catch(() => undefined);
    expect(await ignored.breaker.execute(() => 1)).toBe(1);

    const givenUp = await halfOpened();
    const controller = new AbortController();
    const probe = givenUp.breaker.execute(() => new Promise(() => undefined), { signal: controller.signal });
    controller.abort(boom);
    await expect(probe).rejects.toBe(boom);
    expect(await givenUp.breaker.execute(() => 1)).toBe(1);

    const hung = await halfOpened();
    void hung.breaker.execute(() => new Promise(() => undefined));
    await hung.clock.advance(500);
    expect(hung.breaker.state).toBe("open");
    await hung.clock.advance(1_000);
    expect(await hung.breaker.execute(() => 1)).toBe(1);
  });

  it("pitfall 4: a probe that is cancelled or ignored closes nothing", async () => {
    const { breaker } = await halfOpened({ ignore: (error) => error === "ignore me" });
    const controller = new AbortController();
    const probe = breaker.execute(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")))),
      { signal: controller.signal },
    );
    controller.abort();
    await probe.catch(() => undefined);
    expect(breaker.state).toBe("halfOpen");
    await breaker.execute(() => Promise.reject("ignore me")).catch(() => undefined);
    expect(breaker.metrics).toMatchObject({ state: "halfOpen", totals: { ignored: 2, successes: 0 } });
  });

  it("pitfall 5: of a crowd only the probes run, the others are rejected and not queued for the closing", async () => {
    const { breaker, clock } = await halfOpened({ halfOpen: { probes: 2 }, rampUp: { ms: 1_000, startShare: 0.1 } });
    const answer = Promise.withResolvers<number>();
    let ran = 0;
    const operation = (): Promise<number> => {
      ran++;
      return answer.promise;
    };
    const crowd = Promise.allSettled(Array.from({ length: 50 }, () => breaker.execute(operation)));
    await clock.advance(0);
    expect(ran).toBe(2);
    answer.resolve(1);
    expect((await crowd).filter(({ status }) => status === "rejected")).toHaveLength(48);
    expect(ran).toBe(2);
    // And then not everybody at once.
    const next = await Promise.allSettled(Array.from({ length: 50 }, () => breaker.execute(operation)));
    expect(breaker.state).toBe("rampUp");
    expect(next.filter(({ status }) => status === "fulfilled").length).toBeLessThan(10);
  });

  it("pitfall 14: calls under way and cached answers do not dilute the rate", async () => {
    const { breaker } = make({ window: { kind: "count", size: 50 }, minimumCalls: 15, failureRate: 0.9 });
    for (let call = 0; call < 20; call++) void breaker.execute(() => new Promise(() => undefined));
    const guarded = pipeline(fallback("cached"), breaker);
    for (let call = 0; call < 15; call++) {
      expect(breaker.state).toBe("closed");
      expect(await guarded.execute(() => Promise.reject(boom))).toBe("cached");
    }
    expect(breaker.metrics).toMatchObject({ state: "open", totals: { failures: 15, successes: 0 } });
  });

  it.each([3_600_000, -3_600_000])(
    "pitfall 23: the wall clock's jump of %s ms neither opens nor keeps open",
    async (ms) => {
      const { breaker, clock } = make({ window: { kind: "time", ms: 10_000 }, minimumCalls: 4 });
      await fail(breaker, 3);
      clock.jumpWallTime(ms);
      expect(breaker.metrics.window.failures).toBe(3);
      await fail(breaker, 1);
      clock.jumpWallTime(ms);
      expect(breaker.metrics).toMatchObject({ state: "open", remainingOpenMs: 1_000 });
      await clock.advance(999);
      expect(breaker.state).toBe("open");
      await clock.advance(1);
      expect(breaker.state).toBe("halfOpen");
    },
  );

  it.each([
    { failures: 99, of: 200, rate: 0.5, opens: false },
    { failures: 100, of: 200, rate: 0.5, opens: true },
    { failures: 7, of: 100, rate: 0.07, opens: true },
    { failures: 199, of: 200, rate: 0.999, opens: false },
  ])("pitfall 24: $failures failures of $of reach a rate of $rate: $opens", ({ failures, of, rate, opens }) => {
    const { breaker } = make({ window: { kind: "count", size: of }, minimumCalls: of, failureRate: rate });
    for (let call = 0; call < of; call++) {
      const permit = breaker.tryAcquire();
      if (call < of - failures) permit?.success();
      else permit?.failure(boom);
    }
    expect(breaker.state).toBe(opens ? "open" : "closed");
  });
});
