import { describe, expect, it } from "vitest";
import { broken, make, pending } from "./testing/breaker-trials.ts";

describe("slow calls", () => {
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

  it("looks at those that remain when one in the middle has ended", async () => {
    const { breaker, clock } = make({
      window: { kind: "count", size: 10 },
      minimumCalls: 10,
      slowCall: { ms: 100, inFlight: true },
    });
    const calls = [pending(), pending(), pending(), pending()] as const;
    const results = calls.map(({ operation }) => breaker.execute(operation));
    for (const [end, ended] of [
      [1, 1],
      [3, 2],
    ] as const) {
      calls[end].resolve();
      await results[end];
      expect(breaker.metrics.window).toMatchObject({ calls: ended, slow: 0 });
    }
    await clock.advance(100);
    expect(breaker.metrics.window).toMatchObject({ calls: 4, slow: 2 });
  });

  it("notices slow calls also when only the state is asked for, and tells their rate", async () => {
    const { breaker, clock } = make({
      window: { kind: "count", size: 10 },
      minimumCalls: 4,
      slowCall: { ms: 100, rate: 0.75, inFlight: true },
    });
    expect(breaker.metrics.window).toEqual({ calls: 0, failures: 0, slow: 0, failureRate: 0, slowRate: 0 });
    for (let call = 0; call < 2; call++) breaker.tryAcquire()?.success();
    breaker.tryAcquire()?.failure(new Error("broken"));
    expect(breaker.metrics.window).toMatchObject({ calls: 3, failureRate: 1 / 3, slowRate: 0 });
    for (let call = 0; call < 5; call++) breaker.tryAcquire();
    await clock.advance(100);
    expect(breaker.metrics.window).toMatchObject({ calls: 8, slow: 5, slowRate: 5 / 8 });
    breaker.tryAcquire();
    for (let call = 0; call < 4; call++) breaker.tryAcquire();
    await clock.advance(100);
    expect(breaker.state).toBe("open");
  });

  it("looks for slow calls when the next call comes", async () => {
    const { breaker, clock } = make({ slowCall: { ms: 100, inFlight: true } });
    for (let call = 0; call < 3; call++) void breaker.execute(() => new Promise(() => undefined));
    await clock.advance(100);
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  });

  it("does not take a released permit for a slow call", async () => {
    const { breaker, clock } = make({ slowCall: { ms: 100, inFlight: true } });
    for (let call = 0; call < 5; call++) breaker.tryAcquire()?.release();
    await clock.advance(100);
    expect(breaker.metrics).toMatchObject({ state: "closed", totals: { slow: 0, ignored: 5 } });
  });

  it("goes on looking at them after an update, also with a window that has no rates, or starts to", async () => {
    const { breaker, clock } = make({
      window: { kind: "count", size: 10 },
      failureRate: 0.5,
      minimumCalls: 10,
      slowCall: { ms: 100, rate: 0.5, inFlight: true },
    });
    breaker.update({ openMs: 500 });
    breaker.tryAcquire();
    await clock.advance(100);
    expect(breaker.metrics.window.slow).toBe(1);
    breaker.update({ window: { kind: "consecutive", failures: 2 } });
    for (let call = 0; call < 2; call++) breaker.tryAcquire();
    await clock.advance(100);
    expect(breaker.state).toBe("open");
    const plain = make();
    plain.breaker.update({ slowCall: { ms: 50 } });
    for (let call = 0; call < 3; call++) {
      const slow = pending();
      const result = plain.breaker.execute(slow.operation);
      await plain.clock.advance(50);
      slow.resolve();
      await result;
    }
    expect(plain.breaker.state).toBe("open");
  });
});
