import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BreakerWindow, WindowOptions } from "./breaker-window.ts";
import { createWindow } from "./create-window.ts";

interface Recorded {
  readonly at: number;
  readonly bits: number;
}

interface Sums {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** What a window should say, from the plain list of everything that was recorded. */
function naive(
  options: WindowOptions,
  all: readonly Recorded[],
  now: number,
): Sums & { readonly limitReached: boolean } {
  switch (options.kind) {
    case "consecutive": {
      const streak = all.slice(all.findLastIndex(({ bits }) => bits === 0) + 1);
      const slow = streak.filter(({ bits }) => bits >= 2).length;
      return { calls: streak.length, failures: streak.length, slow, limitReached: streak.length >= options.failures };
    }
    case "count":
      return { ...sums(all.slice(-options.size)), limitReached: false };
    case "time": {
      const width = options.ms / (options.buckets ?? 10);
      const oldest = Math.floor(now / width) - (options.buckets ?? 10) + 1;
      return { ...sums(all.filter(({ at }) => Math.floor(at / width) >= oldest)), limitReached: false };
    }
    case "period":
  }
  const failures = all.filter(({ at, bits }) => bits !== 0 && now - at < options.ms).length;
  const kept = Math.min(failures, options.failures);
  return { calls: kept, failures: kept, slow: 0, limitReached: failures >= options.failures };
}

function sums(calls: readonly Recorded[]): Sums {
  return {
    calls: calls.length,
    failures: calls.filter(({ bits }) => (bits & 1) !== 0).length,
    slow: calls.filter(({ bits }) => (bits & 2) !== 0).length,
  };
}

function read({ calls, failures, slow, limitReached }: BreakerWindow): Sums & { readonly limitReached: boolean } {
  return { calls, failures, slow, limitReached };
}

const options: fc.Arbitrary<WindowOptions> = fc.oneof(
  fc.record({ kind: fc.constant("consecutive" as const), failures: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant("count" as const), size: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant("time" as const),
    ms: fc.integer({ min: 1, max: 500 }),
    buckets: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({
    kind: fc.constant("period" as const),
    ms: fc.integer({ min: 1, max: 300 }),
    failures: fc.integer({ min: 1, max: 6 }),
  }),
);

const step = fc.record({
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2000 })),
  bits: fc.integer({ min: 0, max: 3 }),
  recorded: fc.boolean(),
  saved: fc.boolean(),
});

describe("breaker windows", () => {
  it("say what a list of all calls says, whenever they are read, saved or restored", () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 120 }), (options, steps) => {
        const clock = { time: 1000, now: () => clock.time };
        let window = createWindow(options);
        const all: Recorded[] = [];
        for (const { waitMs, bits, recorded, saved } of steps) {
          clock.time += waitMs;
          if (recorded) {
            window.record(bits, clock);
            all.push({ at: clock.time, bits });
          }
          window.expire(clock);
          const expected = naive(options, all, clock.time);
          expect(read(window)).toEqual(expected);
          // A streak's slow calls are not saved: they decide nothing.
          if (saved && options.kind !== "consecutive") {
            const state = JSON.parse(JSON.stringify(window.save(clock)));
            window = createWindow(options);
            window.restore(state, clock);
            expect(read(window)).toEqual(expected);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("pitfall 1: a time window is empty after an idle time, however long", () => {
    for (const idleMs of [100, 101, 1000, 3_600_000]) {
      const clock = { time: 5, now: () => clock.time };
      const window = createWindow({ kind: "time", ms: 100 });
      for (let call = 0; call < 10; call++) window.record(1, clock);
      expect(window.failures).toBe(10);
      clock.time += idleMs;
      window.record(1, clock);
      expect(read(window)).toMatchObject({ calls: 1, failures: 1 });
    }
  });

  it("keep the newest calls when a smaller window takes over", () => {
    const clock = { now: () => 0 };
    const large = createWindow({ kind: "count", size: 10 });
    for (const bits of [1, 1, 1, 0, 2, 3]) large.record(bits, clock);
    const small = createWindow({ kind: "count", size: 3 });
    small.restore(large.save(clock), clock);
    expect(small.save(clock)).toEqual({ kind: "count", outcomes: "023" });
  });

  it("take nothing from a window of another kind", () => {
    const clock = { now: () => 0 };
    const count = createWindow({ kind: "count", size: 10 });
    count.record(1, clock);
    for (const kind of ["consecutive", "time", "period"] as const) {
      const other = createWindow({ kind, ms: 10, failures: 3 });
      other.restore(count.save(clock), clock);
      expect(other.calls).toBe(0);
    }
  });

  it("forgets a call of a time window within the error that is documented", () => {
    for (let offset = 0; offset < 20; offset++) {
      const clock = { time: offset, now: () => clock.time };
      const window = createWindow({ kind: "time", ms: 100, buckets: 5 });
      window.record(1, clock);
      clock.time = offset + 79;
      window.expire(clock);
      expect(window.calls).toBe(1);
      clock.time = offset + 100;
      window.expire(clock);
      expect(window.calls).toBe(0);
    }
  });
});
