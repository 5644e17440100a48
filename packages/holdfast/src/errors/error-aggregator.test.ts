import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { createErrorAggregator, type ErrorAggregatorOptions, type ThresholdEvent } from "./error-aggregator.ts";
import { BusinessError, NetworkError } from "./failure-kinds.ts";
import { InvalidArgumentError } from "./invalid-argument.ts";

const letters = (n: number): string =>
  Array.from(n.toString(26), (digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join("");
const refused = (message = "refused 1"): object => ({ kind: "network", code: "REFUSED", operation: "read", message });

function setup(options: ErrorAggregatorOptions = {}) {
  const clock = new VirtualClock();
  const events: ThresholdEvent[] = [];
  const errors = createErrorAggregator({ clock, onThreshold: (event) => events.push(event), ...options });
  return { clock, events, errors };
}

describe("an error aggregator", () => {
  it("groups errors that differ in their data only, and tells how many, since when and how fast", async () => {
    const { clock, errors } = setup();
    const start = clock.wallTime();
    const keys = new Set<number>();
    for (let i = 0; i < 60; i++) {
      keys.add(errors.record(refused(`connect ECONNREFUSED 10.0.0.${i}:5432`)));
      await clock.advance(500);
    }
    errors.record(refused("something else"));
    const [key] = keys;
    expect(keys.size).toBe(1);
    expect(errors.group(key as number)).toMatchObject({
      kind: "network",
      code: "REFUSED",
      operation: "read",
      message: "connect ECONNREFUSED <n>",
      count: 60,
      inWindow: 60,
      firstAt: start,
      lastAt: start + 29_500,
      ratePerSecond: 2,
      trend: { direction: "steady", slope: 0, points: 30 },
      exceeded: false,
    });
    const groups = errors.groups();
    expect(groups.map(({ count }) => count)).toEqual([60, 1]);
    expect(errors.group(groups[0]?.fingerprint as string)?.count).toBe(60);
    expect(errors.group("00000000000000")).toBeUndefined();
    expect(errors.kind("network")).toEqual({ total: 61, inWindow: 61, exceeded: false });
    await clock.advance(60_000);
    expect(errors.group(key as number)).toMatchObject({ count: 60, inWindow: 0, ratePerSecond: 0 });
  });

  it("counts errors of one instant without dividing by nothing", () => {
    const { errors } = setup();
    const key = errors.record(refused());
    errors.record(refused());
    expect(errors.group(key)).toMatchObject({ inWindow: 2, ratePerSecond: 2, trend: { direction: "unknown" } });
  });

  it("sees a rise", async () => {
    const { clock, errors } = setup();
    let key = 0;
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i <= second; i++) key = errors.record(refused());
      await clock.advance(1000);
    }
    const trend = errors.group(key)?.trend;
    expect(trend).toMatchObject({ direction: "rising", points: 20 });
    expect(trend?.slope).toBeCloseTo(1, 9);
    expect(trend?.confidence).toBeGreaterThan(0.999);
  });

  it("keeps the last contexts of the window, bounded, with their commonest values", async () => {
    const { clock, errors } = setup({ maxContexts: 4 });
    const record = (region: string, n: number): number => errors.record(refused(), { context: { region, n } });
    record("old", 0);
    await clock.advance(59_999);
    let key = record("eu", 1);
    await clock.advance(2);
    expect(errors.group(key)?.contexts.map(({ context }) => context["region"])).toEqual(["eu"]);
    for (const [n, region] of ["us", "eu", "eu", "us", "eu"].entries()) key = record(region, n);
    const group = errors.group(key);
    expect(group?.contexts.map(({ context }) => context["n"])).toEqual([4, 3, 2, 1]);
    expect(group?.commonest[0]).toEqual({ field: "region", value: "eu", count: 3, share: 0.75 });
    const much = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, "x".repeat(1_000)]));
    key = errors.record(refused(), { context: much });
    const [newest] = errors.group(key)?.contexts ?? [];
    expect(Object.entries(newest?.context ?? {}).map(([, text]) => String(text).length)).toEqual(Array(8).fill(128));
  });

  it("raises at one level and clears at a lower one, by itself as time passes", async () => {
    const { clock, events, errors } = setup({
      threshold: { raiseAt: 4, clearAt: 1 },
      kindThresholds: { network: { raiseAt: 6 } },
    });
    for (let i = 0; i < 6; i++) {
      errors.record(refused());
      await clock.advance(1000);
    }
    expect(events.map(({ type, group, count }) => [type, group?.exceeded, count])).toEqual([
      ["thresholdExceeded", true, 4],
      ["thresholdExceeded", undefined, 6],
    ]);
    await clock.advance(55_500);
    expect(errors.groups()[0]).toMatchObject({ inWindow: 4, exceeded: true });
    await clock.advance(3_000);
    errors.check();
    expect(errors.kind("network").exceeded).toBe(false);
    expect(events.slice(2).map(({ type, group, count }) => [type, group?.exceeded, count])).toEqual([
      ["thresholdCleared", false, 1],
      ["thresholdCleared", undefined, 1],
    ]);
  });

  it("ends what began when a group is forgotten", () => {
    const { events, errors } = setup({ maxGroups: 1, threshold: { raiseAt: 1 } });
    errors.record(refused("one"));
    errors.record(refused("two"));
    expect(events.map(({ type, group }) => [type, group?.message])).toEqual([
      ["thresholdExceeded", "one"],
      ["thresholdCleared", "one"],
      ["thresholdExceeded", "two"],
    ]);
    expect(errors.statistics).toEqual({ recorded: 2, groups: 1, forgotten: 1 });
  });

  it("finds the frequent ones in a flood of distinct ones, and keeps their details", async () => {
    const { clock, errors } = setup({ maxGroups: 50, maxTracked: 50 });
    let frequent = 0;
    for (let i = 0; i < 20_000; i++) {
      errors.record(refused(`no host ${letters(i)}`));
      if (i % 10 === 0) frequent = errors.record(refused("the one"));
      if (i % 100 === 0) await clock.advance(50);
    }
    const { errors: top, total, errorBound } = errors.top(1);
    expect(total).toBe(22_000);
    expect(errorBound).toBeLessThanOrEqual(total / 50);
    expect(top[0]).toMatchObject({ message: "the one" });
    const { count = 0, error = 0 } = top[0] ?? {};
    expect(count).toBeGreaterThanOrEqual(2_000);
    expect(count - error).toBeLessThanOrEqual(2_000);
    expect(errors.group(frequent)).toMatchObject({ count: 2_000, inWindow: 2_000 });
    expect(errors.statistics.groups).toBe(50);
  });

  it("top covers one to two windows, and bounds hold across their border", () => {
    const gap = fc.integer({ min: 0, max: 400 });
    const arrivals = fc.array(fc.tuple(gap, fc.nat(12)), { maxLength: 200 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 6 }), (list, maxTracked) => {
        let now = 0;
        const clock = { now: () => now, wallTime: () => now };
        const errors = createErrorAggregator({ clock, windowMs: 1000, maxTracked });
        const seen: { readonly at: number; readonly name: string }[] = [];
        for (const [step, which] of list) {
          now += step;
          errors.record(refused(letters(which)));
          seen.push({ at: now, name: letters(which) });
        }
        const { errors: top, total, errorBound, spanMs } = errors.top(100);
        const counted = seen.filter(({ at }) => at >= now - spanMs);
        expect(total).toBe(counted.length);
        expect(errorBound).toBeLessThanOrEqual(total / maxTracked);
        expect(spanMs).toBeLessThan(2000);
        for (const { message, count, error } of top) {
          const truth = counted.filter(({ name }) => name === message).length;
          expect(count).toBeGreaterThanOrEqual(truth);
          expect(count - error).toBeLessThanOrEqual(truth);
        }
      }),
    );
  });

  it("takes whatever is thrown", () => {
    const { errors } = setup();
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
      },
    );
    const things: unknown[] = [undefined, null, 0, "text", Symbol("s"), {}, hostile, new Error("x"), () => 1];
    for (const thing of things) expect(errors.record(thing)).toBeGreaterThan(0);
    errors.record(new NetworkError("x"));
    errors.record(new BusinessError("y"));
    errors.record({ kind: "network", code: "C", message: "z".repeat(1e6), operation: "o".repeat(1e6) });
    expect(errors.statistics.recorded).toBe(things.length + 3);
    expect(JSON.stringify(errors.groups()).length).toBeLessThan(10_000);
  });

  it("does not mind a listener or a classifier that throws", () => {
    const { errors } = setup({
      classify: () => {
        throw new Error("no");
      },
      threshold: { raiseAt: 1 },
      onThreshold: () => {
        throw new Error("no");
      },
    });
    expect(errors.group(errors.record(refused()))?.exceeded).toBe(true);
    expect(errors.group(errors.record(new Error("x")))).toMatchObject({
      kind: "system",
      code: "UNCLASSIFIED",
      count: 1,
    });
  });

  it.each([
    [{ windowMs: 0 }, "errorAggregator.windowMs must be a number >= 1 (got 0)"],
    [{ slices: 4 }, "errorAggregator.slices must be an integer >= 5 and <= 1000 (got 4)"],
    [{ maxGroups: 1.5 }, "errorAggregator.maxGroups must be an integer >= 1 and <= 100000 (got 1.5)"],
    [{ threshold: { raiseAt: Number.NaN } }, "errorAggregator.threshold.raiseAt must be a number"],
    [{ threshold: { raiseAt: 5, clearAt: 5 } }, "errorAggregator.threshold.clearAt must be below raiseAt (5) (got 5)"],
    [{ kindThresholds: { net: { raiseAt: 1 } } }, "errorAggregator.kindThresholds.net is no option"],
    [{ window: 5 }, "errorAggregator.window is no option"],
    [{ onThreshold: 1 }, "errorAggregator.onThreshold must be a function (got 1)"],
  ])("refuses %j", (options, message) => {
    const make = (): unknown => createErrorAggregator(options as ErrorAggregatorOptions);
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(message);
  });
});
