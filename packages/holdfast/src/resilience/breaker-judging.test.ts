import { describe, expect, it } from "vitest";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { CircuitOpenError } from "./circuit-open-error.ts";
import { ResilienceError } from "./resilience-error.ts";
import { broken, fail, make, pending, succeed } from "./testing/breaker-trials.ts";

describe("what a circuit breaker takes for a failure", () => {
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
      expect(breaker.metrics.totals).toMatchObject(ignored ? { failures: 0, ignored: 2 } : { failures: 2, ignored: 0 });
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
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN", state: "open" });
  });

  it.each([0, -5, Number.NaN, "1000", null, undefined])("does not open for %j milliseconds", async (ms) => {
    const { breaker } = make({ openOn: () => ms as number });
    await fail(breaker);
    expect(breaker.state).toBe("closed");
  });

  it.each<[CircuitBreakerOptions["window"] & object, number]>([
    [{ kind: "count", size: 4 }, 4],
    [{ kind: "count", size: 100 }, 10],
    [{ kind: "time", ms: 1000 }, 10],
  ])("%j: never opens on fewer than %i calls when nobody says how many", async (window, least) => {
    const { breaker } = make({ window });
    await fail(breaker, least - 1);
    expect(breaker.state).toBe("closed");
    await fail(breaker);
    expect(breaker.state).toBe("open");
  });

  it("counts calls with a signal as those without, watched or not", async () => {
    for (const slowCall of [undefined, { ms: 1000 }]) {
      const { breaker } = make({ window: { kind: "count", size: 10 }, ...(slowCall && { slowCall }) });
      const { signal } = new AbortController();
      expect(await breaker.execute(() => 1, { signal })).toBe(1);
      await expect(breaker.execute(() => Promise.reject(broken), { signal })).rejects.toBe(broken);
      const controller = new AbortController();
      const call = pending();
      const given = breaker.execute(call.operation, { signal: controller.signal });
      controller.abort("enough");
      await expect(given).rejects.toBe("enough");
      call.reject(broken);
      await call.operation().catch(() => undefined);
      expect(breaker.metrics).toMatchObject({
        window: { calls: 2 },
        totals: { successes: 1, failures: 1, ignored: 1 },
      });
    }
  });
});
