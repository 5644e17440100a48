import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { pipeline } from "./pipeline.ts";
import { TimeoutError } from "./timeout-error.ts";
import { timeout, type TimeoutEvent, type TimeoutOptions } from "./timeout.ts";

function setup(options: TimeoutOptions = {}) {
  const clock = new VirtualClock();
  const events: TimeoutEvent[] = [];
  const policy = timeout({ timeoutMs: 100, clock, onEvent: (event) => events.push(event), ...options });
  return { clock, events, policy };
}

const forever = (): Promise<never> => new Promise(() => {});

/** What a promise came to, without anybody having to wait for it. */
function watch(promise: Promise<unknown>): { value?: unknown; error?: unknown } {
  const seen: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}

describe("timeout", () => {
  it("gives the result of an operation that is in time", async () => {
    const { clock, policy } = setup();
    const seen = watch(policy.execute(async () => (await clock.sleep(99), "done")));
    await clock.advance(99);
    expect(seen).toEqual({ value: "done" });
    expect(policy.metrics).toEqual({ timedOut: 0, abandoned: 0 });
  });

  it("abandoning: rejects at once, aborts the signal with the same error, and tells", async () => {
    const { clock, events, policy } = setup({ name: "db" });
    let signal: AbortSignal | undefined;
    const seen = watch(policy.execute((context) => ((signal = context.signal), forever())));
    await clock.advance(98);
    expect(seen).toEqual({});
    await clock.advance(4);
    expect(seen.error).toBeInstanceOf(TimeoutError);
    expect(seen.error).toMatchObject({ code: "OPERATION_TIMED_OUT", kind: "timeout", retryable: true, timeoutMs: 100 });
    expect((seen.error as Error).message).toBe("db timed out after 100 ms");
    expect(signal?.reason).toBe(seen.error);
    expect(policy.metrics).toEqual({ timedOut: 1, abandoned: 1 });
    expect(events).toMatchObject([{ type: "timedOut", policy: "db", timeoutMs: 100, attempt: 1, mode: "abandoning" }]);
  });

  it("cooperative: waits for the operation to end; its error becomes the cause", async () => {
    const { clock, policy } = setup({ mode: "cooperative" });
    const stopped = new Error("stopped");
    const seen = watch(
      policy.execute(async ({ signal }) => {
        await clock.sleep(150);
        if (signal.aborted) throw stopped;
      }),
    );
    await clock.advance(140);
    expect(seen).toEqual({});
    await clock.advance(20);
    expect(seen.error).toMatchObject({ code: "OPERATION_TIMED_OUT", cause: stopped });
    expect(policy.metrics).toEqual({ timedOut: 1, abandoned: 0 });
  });

  it("cooperative: an operation that rejects with the signal's reason rejects with that very error", async () => {
    const { clock, policy } = setup({ mode: "cooperative" });
    const seen = watch(policy.execute(({ signal }) => clock.sleep(1_000, { signal })));
    await clock.advance(102);
    expect(seen.error).toBeInstanceOf(TimeoutError);
    expect((seen.error as Error).cause).toBeUndefined();
  });

  it("cooperative: a result that comes in spite of the abort is given", async () => {
    const { clock, policy } = setup({ mode: "cooperative" });
    const seen = watch(policy.execute(async () => (await clock.sleep(200), "late")));
    await clock.advance(200);
    expect(seen).toEqual({ value: "late" });
  });

  it("asks a function for the limit of each call", async () => {
    const { clock, policy } = setup({ timeoutMs: ({ attempt }) => attempt * 50 });
    const seen = watch(policy.execute(forever));
    await clock.advance(52);
    expect(seen.error).toMatchObject({ timeoutMs: 50 });
  });

  it.each([Number.NaN, -1])("refuses a limit of %d that a function gives", async (limit) => {
    const { policy } = setup({ timeoutMs: () => limit });
    await expect(policy.execute(() => 1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("rejects when the function for the limit throws", async () => {
    const { policy } = setup({
      timeoutMs: () => {
        throw new Error("no limit today");
      },
    });
    await expect(policy.execute(() => 1)).rejects.toThrow("no limit today");
  });

  it.each<{ options: TimeoutOptions; message: string }>([
    { options: { timeoutMs: -1 }, message: "timeout.timeoutMs must be a number >= 0 (got -1)" },
    { options: { timeoutMs: Number.NaN }, message: "timeout.timeoutMs must be a number >= 0 (got NaN)" },
    {
      options: { mode: "brutal" as never },
      message: 'timeout.mode must be "abandoning" or "cooperative" (got "brutal")',
    },
    { options: { onEvent: 1 as never }, message: "timeout.onEvent must be a function (got 1)" },
    { options: { ms: 1 } as never, message: "timeout.ms is no option" },
  ])("refuses $message", ({ options, message }) => {
    expect(() => timeout(options)).toThrow(message);
  });

  it("update changes later calls, not those under way; a wrong one changes nothing", async () => {
    const { clock, policy } = setup();
    const before = watch(policy.execute(forever));
    policy.update({ timeoutMs: 10 });
    expect(() => policy.update({ timeoutMs: 1, mode: "x" as never })).toThrow("timeout.mode");
    const after = watch(policy.execute(forever));
    await clock.advance(12);
    expect(before).toEqual({});
    expect(after.error).toMatchObject({ timeoutMs: 10 });
    await clock.advance(100);
    expect(before.error).toMatchObject({ timeoutMs: 100 });
  });

  it("takes no time away from a limit of infinity", async () => {
    const { clock, policy } = setup({ timeoutMs: Infinity });
    const seen = watch(policy.execute(async () => (await clock.sleep(1e9), 1)));
    await clock.advance(1e9);
    expect(seen).toEqual({ value: 1 });
  });

  it("pitfall 7: the caller's abort is not reported as a timeout", async () => {
    const { clock, events, policy } = setup();
    const controller = new AbortController();
    const reason = new Error("stop pressed");
    const seen = watch(policy.execute(forever, { signal: controller.signal }));
    await clock.advance(20);
    controller.abort(reason);
    await clock.advance(0);
    expect(seen.error).toBe(reason);
    await clock.advance(1_000);
    expect(events).toEqual([]);
    expect(policy.metrics).toEqual({ timedOut: 0, abandoned: 0 });
  });

  it.each(["abandoning", "cooperative"] as const)(
    "pitfall 8: %s leaves no timer and no listener behind",
    async (mode) => {
      const { clock, policy } = setup({ mode });
      const { signal } = new AbortController();
      const listeners = () => getEventListeners(signal, "abort").length;
      const touch = (context: { readonly signal: AbortSignal }) => context.signal.aborted;
      await policy.execute(touch, { signal });
      await expect(
        policy.execute((context) => Promise.reject(new Error(String(touch(context)))), { signal }),
      ).rejects.toThrow();
      expect(listeners()).toBe(0);
      const seen = watch(policy.execute((context) => clock.sleep(1_000, context), { signal }));
      expect(listeners()).toBeGreaterThan(0);
      await clock.advance(200);
      expect(seen.error).toBeInstanceOf(TimeoutError);
      expect(listeners()).toBe(0);
      await clock.advance(1_000);
      expect(clock.pending).toBe(0);
    },
  );

  it("pitfall 8: many concurrent calls on one signal raise no warning", async () => {
    const { clock, policy } = setup();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const { signal } = new AbortController();
    const all = Array.from({ length: 50 }, () => policy.execute((context) => clock.sleep(10, context), { signal }));
    await clock.advance(20);
    await Promise.all(all);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("pitfall 9: one call's timeout does not abort another's operation", async () => {
    const { clock, policy } = setup();
    const slow = watch(policy.execute(({ signal }) => clock.sleep(500, { signal })));
    await clock.advance(60);
    const other = watch(policy.execute(async ({ signal }) => (await clock.sleep(60, { signal }), "mine")));
    await clock.advance(70);
    expect(slow.error).toBeInstanceOf(TimeoutError);
    expect(other).toEqual({ value: "mine" });
  });

  it("pitfall 13: a failure after the timeout is handled, a result is disposed, both are told", async () => {
    const { clock, events, policy } = setup();
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", onUnhandled);
    let disposed = 0;
    const late = { [Symbol.dispose]: () => disposed++ };
    const failing = watch(policy.execute(async () => (await clock.sleep(200), Promise.reject(new Error("late")))));
    const giving = watch(policy.execute(async () => (await clock.sleep(200), late)));
    await clock.advance(300);
    process.off("unhandledRejection", onUnhandled);
    expect(unhandled).toEqual([]);
    expect([failing.error, giving.error]).toEqual([expect.any(TimeoutError), expect.any(TimeoutError)]);
    expect(disposed).toBe(1);
    expect(policy.metrics).toEqual({ timedOut: 2, abandoned: 0 });
    expect(events.slice(2)).toMatchObject([
      { type: "lateOutcome", outcome: "rejected", durationMs: 200 },
      { type: "lateOutcome", outcome: "fulfilled", durationMs: 200 },
    ]);
  });

  it("hands a late result to onLateResult, whatever that does", async () => {
    const late: unknown[] = [];
    const { clock, policy } = setup({
      onLateResult: (result) => {
        late.push(result);
        throw new Error("broken");
      },
    });
    watch(policy.execute(async () => (await clock.sleep(200), "late")));
    await clock.advance(300);
    expect(late).toEqual(["late"]);
  });

  it.each([
    { case: "a value", operation: () => 5, outcome: { value: 5 } },
    { case: "undefined", operation: () => undefined, outcome: { value: undefined } },
    {
      case: "a thenable",
      // oxlint-disable-next-line unicorn/no-thenable -- what it is about
      operation: () => ({ then: (ok: (n: number) => void) => ok(6) }) as PromiseLike<number>,
      outcome: { value: 6 },
    },
    {
      case: "a throw",
      operation: () => {
        throw new RangeError("sync");
      },
      outcome: { error: new RangeError("sync") },
    },
  ])("pitfall 15: an operation may give $case at once", async ({ operation, outcome }) => {
    const { clock, policy } = setup();
    const seen = watch(policy.execute<unknown>(operation));
    await clock.advance(1_000);
    expect(seen).toEqual(outcome);
    expect(clock.pending).toBe(0);
  });

  it("pitfall 16: a limit beyond 2^31 ms is not over at once", async () => {
    const policy = timeout({ timeoutMs: 2 ** 31 + 1_000 });
    expect(await policy.execute(() => new Promise((resolve) => setTimeout(resolve, 5, "real")))).toBe("real");
  });

  it("pitfall 20: the signal of a call that has returned is not aborted when its time is over", async () => {
    const { clock, policy } = setup();
    let signal: AbortSignal | undefined;
    await policy.execute((context) => ((signal = context.signal), "response"));
    await clock.advance(10_000);
    expect(signal?.aborted).toBe(false);
  });

  it("pitfall 30: after the caller's abort, also within a pipeline, the reason is the caller's", async () => {
    const { clock, policy } = setup();
    const controller = new AbortController();
    const both = pipeline(timeout({ timeoutMs: 1_000, clock }), policy);
    const seen = watch(both.execute(({ signal }) => clock.sleep(5_000, { signal }), { signal: controller.signal }));
    controller.abort("enough");
    await clock.advance(0);
    expect(seen.error).toBe("enough");
  });

  it("the outer of two timeouts stops what the inner one guards", async () => {
    const { clock, events, policy } = setup({ timeoutMs: 500 });
    const both = pipeline(timeout({ timeoutMs: 50, clock }), policy);
    let reason: unknown;
    const seen = watch(
      both.execute(({ signal }) => (signal.addEventListener("abort", () => (reason = signal.reason)), forever())),
    );
    await clock.advance(600);
    expect(seen.error).toMatchObject({ timeoutMs: 50 });
    expect(reason).toBe(seen.error);
    expect(events).toEqual([]);
  });

  it("disposes what comes after the caller has left, once, and counts no timeout", async () => {
    for (const mode of ["abandoning", "cooperative"] as const) {
      const { clock, policy } = setup({ mode });
      let disposed = 0;
      const controller = new AbortController();
      const seen = watch(
        policy.execute(
          async () => {
            await clock.sleep(50);
            return { [Symbol.dispose]: () => disposed++ };
          },
          { signal: controller.signal },
        ),
      );
      controller.abort("enough");
      await clock.advance(60);
      expect(seen).toEqual({ error: "enough" });
      expect(disposed).toBe(1);
      expect(policy.metrics).toEqual({ timedOut: 0, abandoned: 0 });
    }
  });

  it("tells how each call ran out of time and what became of it, also when it began late", async () => {
    const { clock, policy, events } = setup();
    await clock.advance(1_000);
    for (const end of ["fulfilled", "rejected"] as const) {
      let discarded = 0;
      const discards = timeout({
        timeoutMs: 100,
        clock,
        onEvent: (event) => events.push(event),
        onLateResult: () => discarded++,
      });
      watch(
        discards.execute(async () => {
          await clock.sleep(300);
          if (end === "rejected") throw new Error("late");
          return 1;
        }),
      );
      await clock.advance(300);
      expect(events.splice(0)).toMatchObject([
        { type: "timedOut", policy: "", timeoutMs: 100, attempt: 1, mode: "abandoning" },
        { type: "lateOutcome", policy: "", outcome: end, durationMs: 300, attempt: 1 },
      ]);
      expect(discarded).toBe(end === "fulfilled" ? 1 : 0);
    }
    policy.update({ mode: "cooperative" });
    watch(policy.execute(() => clock.sleep(200)));
    await clock.advance(300);
    expect(events).toMatchObject([{ type: "timedOut", mode: "cooperative" }]);
  });

  it("takes no time at all for a limit, but refuses what is no time", async () => {
    const { clock, policy } = setup({ timeoutMs: () => 0 });
    const seen = watch(policy.execute(forever));
    await clock.advance(2);
    expect(seen.error).toMatchObject({ code: "OPERATION_TIMED_OUT", timeoutMs: 0 });
    policy.update({ timeoutMs: () => Number.NaN });
    await expect(policy.execute(forever)).rejects.toThrow("timeout.timeoutMs(context) must be >= 0 (got NaN)");
  });
});
