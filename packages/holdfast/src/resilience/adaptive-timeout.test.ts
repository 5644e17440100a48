import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { adaptiveTimeout, type AdaptiveTimeoutOptions } from "./adaptive-timeout.ts";

function setup(options: AdaptiveTimeoutOptions = {}) {
  const clock = new VirtualClock();
  const policy = adaptiveTimeout({ baseMs: 1_000, clock, ...options });
  /** Calls one after the other, each taking `ms`; how many of them timed out. */
  const calls = async (count: number, ms: number): Promise<number> => {
    const before = policy.metrics.timedOut;
    for (let at = 0; at < count; at++) {
      policy.execute(({ signal }) => clock.sleep(ms, { signal })).catch(() => undefined);
      await clock.advance(Math.min(ms, 31_000));
    }
    return policy.metrics.timedOut - before;
  };
  return { clock, policy, calls };
}

describe("adaptiveTimeout", () => {
  it("starts at the base and then follows the quantile", async () => {
    const { policy, calls } = setup();
    expect(policy.metrics).toMatchObject({ limitMs: 1_000, samples: 0, averageMs: Number.NaN });
    await calls(9, 200);
    expect(policy.metrics.limitMs).toBe(1_000);
    await calls(1, 200);
    expect(policy.metrics.limitMs).toBeGreaterThan(390);
    expect(policy.metrics.limitMs).toBeLessThan(410);
    expect(policy.metrics).toMatchObject({ averageMs: 200, leastMs: 200, mostMs: 200, samples: 10, timedOut: 0 });
  });

  it("never leaves floor and ceiling", async () => {
    const fast = setup();
    await fast.calls(20, 1);
    expect(fast.policy.metrics.limitMs).toBe(100);
    const slow = setup({ ceilingMs: 1_500 });
    await slow.calls(20, 900);
    expect(slow.policy.metrics.limitMs).toBe(1_500);
  });

  it.each([
    [0, 1],
    [60, 1],
    [61, 1.2],
    [80, 1.2],
    [81, 1.5],
  ])("a load of %d gives %d times the time", async (load, factor) => {
    const { policy } = setup({ load: () => load });
    expect(policy.metrics).toMatchObject({ limitMs: 1_000 * factor, load });
  });

  it("a gauge of load that throws fails no call", async () => {
    const { policy } = setup({
      load: () => {
        throw new Error("broken gauge");
      },
    });
    expect(await policy.execute(() => 1)).toBe(1);
    expect(policy.metrics).toMatchObject({ load: 0, limitMs: 1_000 });
  });

  it("does not drift upward in a long incident, and is itself again after it", async () => {
    const { policy, calls } = setup();
    await calls(200, 100);
    const healthy = policy.metrics;
    expect(healthy.limitMs).toBeLessThan(210);
    // 1 000 calls that never end by themselves: without a guard each window of them would double the limit.
    expect(await calls(1_000, 60_000)).toBe(1_000);
    const during = policy.metrics;
    expect(during.limitMs).toBeLessThanOrEqual(2 * 3 * healthy.baselineMs * 1.01);
    expect(during.baselineMs).toBe(healthy.baselineMs);
    expect(await calls(200, 100)).toBe(0);
    expect(policy.metrics.limitMs).toBeLessThan(210);
  });

  it("does not drift either when only some calls time out for long", async () => {
    const { policy, calls } = setup();
    await calls(200, 100);
    for (let round = 0; round < 150; round++) {
      await calls(9, 100);
      expect(await calls(1, 60_000)).toBe(1);
    }
    expect(policy.metrics.limitMs).toBeLessThanOrEqual(2 * 3 * 100 * 1.02);
  });

  it("follows a dependency that became slower, as long as it answers within the drift", async () => {
    const { policy, calls } = setup();
    await calls(200, 100);
    // Twice as slow is within the limit of 200 ms; then slower by steps that each stay within it.
    for (const ms of [150, 200, 260, 320]) await calls(400, ms);
    expect(policy.metrics.limitMs).toBeGreaterThan(500);
    expect(await calls(100, 320)).toBe(0);
  });

  it("starting into an incident does not make it the norm", async () => {
    const { policy, calls } = setup({ baseMs: 300 });
    await calls(50, 60_000);
    expect(policy.metrics.baselineMs).toBeLessThanOrEqual(150);
    await calls(200, 100);
    expect(policy.metrics.limitMs).toBeLessThan(310);
  });

  it("failures and given up calls say nothing about durations", async () => {
    const { clock, policy } = setup();
    for (let at = 0; at < 50; at++)
      await policy.execute(() => Promise.reject(new Error("fast"))).catch(() => undefined);
    const controller = new AbortController();
    const given = policy.execute(() => clock.sleep(5), { signal: controller.signal });
    controller.abort("enough");
    await expect(given).rejects.toBe("enough");
    await clock.advance(10);
    expect(policy.metrics).toMatchObject({ samples: 0, limitMs: 1_000 });
  });

  it("reset forgets", async () => {
    const { policy, calls } = setup();
    await calls(50, 100);
    policy.reset();
    expect(policy.metrics).toMatchObject({ samples: 0, limitMs: 1_000, baselineMs: Number.NaN });
  });

  it.each<{ options: AdaptiveTimeoutOptions; message: string }>([
    { options: { floorMs: 50, ceilingMs: 40 }, message: "adaptiveTimeout.ceilingMs must be a number >= 50 (got 40)" },
    { options: { mode: "soft" as never }, message: 'adaptiveTimeout.mode must be "abandoning" or "cooperative"' },
    { options: { quantile: 1.5 }, message: "adaptiveTimeout.quantile must be" },
    { options: { window: 5 }, message: "adaptiveTimeout.minimumSamples must be an integer >= 1 and <= 5 (got 10)" },
    { options: { factor: 0.5 }, message: "adaptiveTimeout.factor must be a number >= 1 (got 0.5)" },
    { options: { timeoutMs: 5 } as never, message: "adaptiveTimeout.timeoutMs is no option" },
  ])("refuses $message", ({ options, message }) => {
    expect(() => adaptiveTimeout(options)).toThrow(message);
  });

  it("takes calls that were in time for such, also slow ones", async () => {
    const { policy, calls } = setup();
    await calls(10, 800);
    expect(policy.metrics.baselineMs).toBeGreaterThan(780);
    expect(policy.metrics).toMatchObject({ timedOut: 0, load: 0 });
  });

  it("counts a call once that ran out of time and ended after all", async () => {
    const { clock, policy } = setup();
    const result = policy.execute(() => clock.sleep(5_000));
    result.catch(() => undefined);
    await clock.advance(10_000);
    expect(policy.metrics).toMatchObject({ samples: 1, timedOut: 1, abandoned: 0 });
  });
});
