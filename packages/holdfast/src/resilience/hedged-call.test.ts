import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { hedge, type HedgeOptions } from "./hedge.ts";
import { wheelOf } from "./timer-wheel.ts";

type End = { readonly at: number; readonly value?: unknown; readonly error?: unknown };

/** One call whose attempts end so, as many milliseconds after their start, deaf to their signals. */
function begin(ends: readonly End[], options: HedgeOptions = {}, signal?: AbortSignal) {
  const clock = new VirtualClock();
  const policy = hedge({ delayMs: 50, clock, ...options });
  const started: number[] = [];
  const aborted: number[] = [];
  const seen: { value?: unknown; error?: unknown } = {};
  const result = policy.execute(
    async ({ attempt, signal }) => {
      started.push(clock.now());
      signal.addEventListener("abort", () => aborted.push(attempt));
      const end = ends[attempt - 1] ?? expect.unreachable();
      await clock.sleep(end.at);
      if (end.error !== undefined) throw end.error;
      return end.value;
    },
    signal === undefined ? {} : { signal },
  );
  result.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return { clock, policy, started, aborted, seen, wheel: wheelOf(clock) };
}

const one = new Error("one");
const two = new Error("two");

describe("a hedged call", () => {
  it("goes on at once after an answer that is not good enough, when nothing else is under way", async () => {
    const { clock, started, seen } = begin(
      [
        { at: 5, value: "bad" },
        { at: 5, value: "good" },
      ],
      { accept: (result) => result === "good" },
    );
    await clock.advance(12);
    expect([started, seen]).toEqual([[0, 5], { value: "good" }]);
  });

  it("does not go on at once while another attempt is under way", async () => {
    const { clock, started, seen } = begin(
      [
        { at: 60, error: one },
        { at: 200, value: "second" },
        { at: 10, value: "third" },
      ],
      { maxHedges: 2 },
    );
    await clock.advance(90);
    expect(started).toHaveLength(2);
    await clock.advance(30);
    expect(started).toHaveLength(3);
    expect(seen).toEqual({ value: "third" });
  });

  it("waits its delay from the attempt that an error brought forward", async () => {
    const { clock, started, wheel } = begin(
      [
        { at: 20, error: one },
        { at: 500, value: 2 },
        { at: 500, value: 3 },
      ],
      { maxHedges: 2 },
    );
    await clock.advance(65);
    expect(started).toEqual([0, 20]);
    await clock.advance(10);
    expect(started).toHaveLength(3);
    // With the last attempt started there is nothing left to wait for.
    expect(wheel.size).toBe(0);
  });

  it.each<[string, readonly End[], HedgeOptions]>([
    ["won at once", [{ at: 5, value: 1 }], {}],
    ["failed for good", [{ at: 5, error: one }], { hedgeAfter: () => false, maxHedges: 3 }],
    [
      "failed in all attempts",
      [
        { at: 5, error: one },
        { at: 5, error: two },
      ],
      {},
    ],
    [
      "was not good enough in any",
      [
        { at: 5, value: 1 },
        { at: 5, value: 2 },
      ],
      { accept: () => false },
    ],
  ])("leaves no timer and no listener behind when it %s", async (_, ends, options) => {
    const controller = new AbortController();
    const { clock, wheel, seen } = begin(ends, options, controller.signal);
    expect(wheel.size).toBe(1);
    await clock.advance(20);
    expect(Object.keys(seen)).toHaveLength(1);
    expect(wheel.size).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("asks a budget that refused no more", async () => {
    let asked = 0;
    const budget = { deposit: () => undefined, tryWithdraw: () => (asked++, false), balance: 0 };
    const { clock, seen, policy } = begin([{ at: 100, error: one }], { budget, maxHedges: 3 });
    await clock.advance(300);
    expect(seen).toEqual({ error: one });
    expect([asked, policy.metrics.refused]).toEqual([1, 1]);
  });

  it("aborts whoever is still under way when one has won, whoever has failed before", async () => {
    const { clock, aborted, seen } = begin(
      [
        { at: 130, error: one },
        { at: 150, value: "second" },
        { at: 10_000, value: "third" },
      ],
      { maxHedges: 2 },
    );
    await clock.advance(220);
    expect(seen).toEqual({ value: "second" });
    expect(aborted).toEqual([3]);
  });
});
