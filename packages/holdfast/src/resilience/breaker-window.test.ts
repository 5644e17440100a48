import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BreakerWindow, Now, WindowOptions, WindowState } from "./breaker-window.ts";
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
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 600 })),
  bits: fc.integer({ min: 0, max: 3 }),
  do: fc.constantFrom("record", "record", "record", "expire", "save"),
});

function restored(state: WindowState, options: WindowOptions, clock: Now): BreakerWindow {
  const window = createWindow(options);
  window.restore(JSON.parse(JSON.stringify(state)) as WindowState, clock);
  return window;
}

const kinds: readonly WindowOptions[] = [
  { kind: "consecutive", failures: 9 },
  { kind: "count", size: 9 },
  { kind: "time", ms: 100, buckets: 5 },
  { kind: "period", ms: 100, failures: 9 },
];

describe("breaker windows", () => {
  it("say what a list of all calls says, after whatever was recorded, read, saved or restored", () => {
    fc.assert(
      fc.property(options, fc.array(step, { minLength: 30, maxLength: 90 }), (options, steps) => {
        const clock = { time: 1000, now: () => clock.time };
        let window = createWindow(options);
        let all: Recorded[] = [];
        for (const step of steps) {
          clock.time += step.waitMs;
          if (step.do === "record") {
            window.record(step.bits, clock);
            all.push({ at: clock.time, bits: step.bits });
          } else if (step.do === "expire") window.expire(clock);
          else {
            window = restored(window.save(clock), options, clock);
            // A streak's slow calls are not saved: they decide nothing.
            if (options.kind === "consecutive") all = all.map(({ at, bits }) => ({ at, bits: Math.min(bits, 1) }));
          }
          expect(read(window)).toEqual(naive(options, all, clock.time));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(kinds)("$kind: knows its kind, and nothing more after it was cleared", (options) => {
    const clock = { now: () => 5 };
    for (const bits of [1, 2]) {
      const window = createWindow(options);
      expect(window.kind).toBe(options.kind);
      for (let call = 0; call < 9; call++) window.record(bits, clock);
      expect(window.calls).toBe(9);
      window.clear();
      expect(read(window)).toEqual({ calls: 0, failures: 0, slow: 0, limitReached: false });
      window.record(0, clock);
      window.record(1, clock);
      expect(read(window)).toMatchObject({ failures: 1, slow: 0 });
    }
  });

  it.each(kinds)("$kind: takes nothing from a window of another kind", (options) => {
    const clock = { now: () => 5 };
    for (const other of kinds) {
      const window = createWindow(other);
      window.record(1, clock);
      expect(restored(window.save(clock), options, clock).calls).toBe(other.kind === options.kind ? 1 : 0);
    }
  });

  it("save ages, the oldest first, of what is in force", () => {
    const clock = { time: 0, now: () => clock.time };
    const windows = kinds.map((options) => createWindow(options));
    for (const [time, bits] of [
      [5, 1],
      [150, 3],
      [151, 0],
      [190, 2],
    ] as const) {
      clock.time = time;
      for (const window of windows) window.record(bits, clock);
    }
    clock.time = 200;
    expect(windows.map((window) => window.save(clock))).toEqual([
      { kind: "consecutive", failures: 1 },
      { kind: "count", outcomes: "1302" },
      {
        kind: "time",
        buckets: [
          { ageMs: 50, calls: 2, failures: 1, slow: 1 },
          { ageMs: 10, calls: 1, failures: 0, slow: 1 },
        ],
      },
      { kind: "period", agesMs: [50, 10] },
    ]);
    clock.time = 255;
    expect(windows.slice(2).map((window) => window.save(clock))).toEqual([
      { kind: "time", buckets: [{ ageMs: 65, calls: 1, failures: 0, slow: 1 }] },
      { kind: "period", agesMs: [65] },
    ]);
  });

  it("forget what is too old for a shorter window that takes over", () => {
    const clock = { time: 1000, now: () => clock.time };
    for (const kind of ["time", "period"] as const) {
      const long = createWindow({ kind, ms: 100, buckets: 10, failures: 9 });
      for (const time of [1000, 1050, 1060, 1090]) {
        clock.time = time;
        long.record(1, clock);
      }
      const short = restored(long.save(clock), { kind, ms: 40, buckets: 4, failures: 9 }, clock);
      expect(read(short)).toMatchObject({ failures: 2 });
      clock.time = 1100;
      short.expire(clock);
      expect(short.failures).toBe(1);
    }
  });

  it("pitfall 1: a time window is empty after an idle time, however long", () => {
    for (const idleMs of [100, 101, 1000, 3_600_000, 1e14]) {
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
