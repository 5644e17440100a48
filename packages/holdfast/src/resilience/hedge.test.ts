import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../errors/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { hedge, type HedgeEvent, type HedgeOptions } from "./hedge.ts";
import type { CallContext } from "./policy.ts";
import { retryBudget } from "./retry-budget.ts";

function setup(options: HedgeOptions = {}) {
  const clock = new VirtualClock();
  const events: HedgeEvent[] = [];
  const policy = hedge({ delayMs: 50, clock, onEvent: (event) => events.push(event), ...options });
  return { clock, events, policy };
}

function watch(promise: Promise<unknown>): { value?: unknown; error?: unknown } {
  const seen: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}

interface Step {
  readonly ms: number;
  readonly value?: unknown;
  readonly error?: unknown;
}

/** An operation whose attempts go as scripted, deaf to its signal; `reasons` tells why each was aborted. */
function scripted(clock: VirtualClock, steps: readonly Step[]) {
  const reasons: unknown[] = [];
  const started: number[] = [];
  const operation = async ({ attempt, signal }: CallContext): Promise<unknown> => {
    const step = steps[attempt - 1] as Step;
    started.push(clock.now());
    signal.addEventListener("abort", () => (reasons[attempt - 1] = signal.reason));
    await clock.sleep(step.ms);
    if (step.error !== undefined) throw step.error;
    return step.value;
  };
  return { operation, reasons, started };
}

describe("hedge", () => {
  it("starts no second attempt when the first is in time", async () => {
    const { clock, events, policy } = setup();
    const script = scripted(clock, [{ ms: 40, value: "first" }]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(1_000);
    expect(seen).toEqual({ value: "first" });
    expect(script.started).toEqual([0]);
    expect(events).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("takes a hedge that is faster, aborts the slow attempt and tells", async () => {
    const { clock, events, policy } = setup();
    const script = scripted(clock, [
      { ms: 1_000, value: "slow" },
      { ms: 10, value: "fast" },
    ]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(65);
    expect(seen).toEqual({ value: "fast" });
    expect(script.reasons).toMatchObject([{ code: "HEDGE_LOST" }]);
    expect(events).toMatchObject([
      { type: "hedged", attempt: 2, delayMs: 50 },
      { type: "hedgeWon", attempt: 2 },
    ]);
    expect(policy.metrics).toMatchObject({ hedges: 1, won: 1, refused: 0 });
  });

  it("starts up to maxHedges, one delay apart", async () => {
    const { clock, policy } = setup({ maxHedges: 3 });
    const script = scripted(
      clock,
      Array.from({ length: 4 }, () => ({ ms: 1_000, value: 1 })),
    );
    watch(policy.execute(script.operation));
    await clock.advance(900);
    expect(script.started).toHaveLength(4);
    for (const [at, time] of script.started.entries()) expect(Math.abs(time - at * 50)).toBeLessThanOrEqual(3);
  });

  it("pitfall 19: a fast error does not win over a slower success", async () => {
    const { clock, policy } = setup();
    const script = scripted(clock, [
      { ms: 60, error: new Error("fast failure") },
      { ms: 100, value: "good" },
    ]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(70);
    expect(seen).toEqual({});
    await clock.advance(100);
    expect(seen).toEqual({ value: "good" });
  });

  it("pitfall 19: the winner does not wait for losers that ignore their abort, and their results are disposed", async () => {
    const { clock, policy } = setup();
    let disposed = 0;
    const script = scripted(clock, [
      { ms: 10_000, value: { [Symbol.dispose]: () => disposed++ } },
      { ms: 10, value: "fast" },
    ]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(65);
    expect(seen).toEqual({ value: "fast" });
    expect(disposed).toBe(0);
    await clock.advance(10_000);
    expect(disposed).toBe(1);
  });

  it("pitfall 19: an answer that is not acceptable does not win; when nothing better comes it is given", async () => {
    const discarded: unknown[] = [];
    const options: HedgeOptions = { accept: (result) => result === "good", onDiscard: (each) => discarded.push(each) };
    for (const last of ["good", "bad 2"]) {
      discarded.length = 0;
      const { clock, policy } = setup(options);
      const script = scripted(clock, [
        { ms: 55, value: "bad 1" },
        { ms: 100, value: last },
      ]);
      const seen = watch(policy.execute(script.operation));
      await clock.advance(60);
      expect(seen).toEqual({});
      await clock.advance(200);
      expect(seen).toEqual({ value: last });
      expect(discarded).toEqual(["bad 1"]);
    }
  });

  it("an error brings the next attempt forward; only when all failed is the last error given", async () => {
    const { clock, policy } = setup();
    const script = scripted(clock, [
      { ms: 5, error: new Error("one") },
      { ms: 5, error: new Error("two") },
    ]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(12);
    expect(script.started).toEqual([0, 5]);
    expect(seen.error).toEqual(new Error("two"));
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  it("an error that another attempt cannot mend is given at once", async () => {
    const { clock, policy } = setup();
    const error = new InvalidArgumentError("x", "must be y", 1);
    const script = scripted(clock, [{ ms: 5, error }]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(10);
    expect(seen.error).toBe(error);
    expect(script.started).toHaveLength(1);
  });

  it("asks the budget, and goes on alone when it refuses", async () => {
    const { clock, events, policy } = setup({
      maxHedges: 3,
      budget: retryBudget({ ratio: 1, minPerSecond: 0, clock: new VirtualClock() }),
    });
    const script = scripted(clock, [
      { ms: 400, value: "first" },
      { ms: 1_000, value: "second" },
    ]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(450);
    expect(seen).toEqual({ value: "first" });
    expect(events.map((event) => event.type)).toEqual(["hedged", "hedgeRefused"]);
    expect(policy.metrics).toMatchObject({ hedges: 1, won: 0, refused: 1 });
  });

  it("takes the delay from what first attempts take, and hedges do not make it shrink", async () => {
    const { clock, policy } = setup({ delayMs: 1_000, quantile: 0.9, window: 20 });
    const durations = Array.from({ length: 200 }, (_, at) => (at % 10 === 9 ? 500 : 20));
    for (const ms of durations) {
      const script = scripted(clock, [
        { ms, value: 1 },
        { ms: 20, value: 1 },
      ]);
      watch(policy.execute(script.operation));
      await clock.advance(600);
    }
    expect(policy.metrics.delayMs).toBeGreaterThan(19);
    expect(policy.metrics.delayMs).toBeLessThan(45);
    // One in ten is slow, so about one in ten is hedged, not more.
    expect(policy.metrics.hedges).toBeGreaterThanOrEqual(10);
    expect(policy.metrics.hedges).toBeLessThanOrEqual(25);
  });

  it("a judge that throws fails the call, and disposes what it judged", async () => {
    let disposed = 0;
    const { clock, policy } = setup({
      accept: () => {
        throw new Error("no opinion");
      },
    });
    const seen = watch(policy.execute(() => ({ [Symbol.dispose]: () => disposed++ })));
    await clock.advance(100);
    expect(seen.error).toEqual(new Error("no opinion"));
    expect(disposed).toBe(1);
  });

  it("pitfall 8: a long-lived signal keeps no listener, whoever won", async () => {
    const { clock, policy } = setup();
    const { signal } = new AbortController();
    const script = scripted(clock, [
      { ms: 200, value: "slow" },
      { ms: 10, value: "fast" },
    ]);
    const seen = watch(policy.execute(script.operation, { signal }));
    await clock.advance(70);
    expect(seen).toEqual({ value: "fast" });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await clock.advance(500);
    expect(clock.pending).toBe(0);
  });

  it("the caller's abort ends all attempts and starts no further one", async () => {
    const { clock, policy } = setup({ maxHedges: 5 });
    const controller = new AbortController();
    const script = scripted(
      clock,
      Array.from({ length: 6 }, () => ({ ms: 10_000, value: 1 })),
    );
    const seen = watch(policy.execute(script.operation, { signal: controller.signal }));
    await clock.advance(60);
    controller.abort("enough");
    await clock.advance(1_000);
    expect(seen).toEqual({ error: "enough" });
    expect(script.reasons).toEqual(["enough", "enough"]);
    expect(script.started).toHaveLength(2);
  });

  it("pitfall 13: a loser's failure is handled", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", onUnhandled);
    const { clock, policy } = setup();
    const script = scripted(clock, [
      { ms: 200, error: new Error("late") },
      { ms: 10, value: "fast" },
    ]);
    const seen = watch(policy.execute(script.operation));
    await clock.advance(500);
    process.off("unhandledRejection", onUnhandled);
    expect(seen).toEqual({ value: "fast" });
    expect(unhandled).toEqual([]);
  });

  it("pitfall 15: operations may throw, or give undefined or a plain value, at once", async () => {
    const { clock, policy } = setup();
    expect(await policy.execute(() => undefined)).toBeUndefined();
    expect(await policy.execute(() => 3)).toBe(3);
    let calls = 0;
    const broken = policy.execute(() => {
      calls++;
      throw new Error("sync");
    });
    await expect(broken).rejects.toThrow("sync");
    expect(calls).toBe(2);
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  it("pitfall 20: the winner's signal is not aborted", async () => {
    const { clock, policy } = setup();
    let won: AbortSignal | undefined;
    const seen = watch(
      policy.execute(async ({ attempt, signal }) => {
        if (attempt === 2) won = signal;
        await clock.sleep(attempt === 1 ? 500 : 10);
        return attempt;
      }),
    );
    await clock.advance(10_000);
    expect(seen).toEqual({ value: 2 });
    expect(won?.aborted).toBe(false);
  });

  it.each<{ options: object; message: string }>([
    { options: { delayMs: -1 }, message: "hedge.delayMs must be a number >= 0 (got -1)" },
    { options: { maxHedges: 0 }, message: "hedge.maxHedges must be an integer >= 1 (got 0)" },
    { options: { quantile: 2 }, message: "hedge.quantile must be a number >= 0.01 and <= 1 (got 2)" },
    { options: { budget: {} }, message: "hedge.budget must be a retry budget" },
    { options: { hedges: 1 }, message: "hedge.hedges is no option" },
  ])("refuses $message", ({ options, message }) => {
    expect(() => hedge(options)).toThrow(message);
  });

  it("takes the fixed delay until ten calls have succeeded", async () => {
    const { clock, policy } = setup({ delayMs: 70, quantile: 0.5, window: 10 });
    for (let call = 0; call < 10; call++) {
      expect(policy.metrics.delayMs).toBe(70);
      watch(policy.execute(() => clock.sleep(8)));
      await clock.advance(8);
    }
    expect(policy.metrics.delayMs).toBeCloseTo(8, 0);
  });

  it("asks which errors another attempt may follow; a judge that throws forbids it", async () => {
    for (const [hedgeAfter, attempts] of [
      [() => true, 2],
      [() => false, 1],
      [() => expect.unreachable(), 1],
    ] as const) {
      const { clock, policy } = setup({ hedgeAfter });
      const error = new InvalidArgumentError("x", "must be y", 1);
      const script = scripted(clock, [
        { ms: 5, error },
        { ms: 5, error },
      ]);
      const seen = watch(policy.execute(script.operation));
      await clock.advance(20);
      expect([seen.error, script.started.length]).toEqual([error, attempts]);
    }
  });

  it("tells under its name", async () => {
    for (const [options, policy] of [
      [{ name: "search" }, "search"],
      [{}, ""],
    ] as const) {
      const { clock, events, policy: hedged } = setup(options);
      watch(hedged.execute(() => clock.sleep(100)));
      await clock.advance(60);
      expect(events).toEqual([
        { type: "hedged", policy, attempt: 2, delayMs: 50, at: expect.closeTo(clock.wallTime(), -2) },
      ]);
    }
  });
});
