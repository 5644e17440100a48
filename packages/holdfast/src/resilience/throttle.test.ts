import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { throttle, ThrottledError, type ThrottleEvent, type ThrottleOptions } from "./throttle.ts";
import { TimeoutError } from "./timeout-error.ts";

const boom = new Error("boom");
const fail = (): Promise<never> => Promise.reject(boom);

function setup(options: ThrottleOptions = {}) {
  const clock = new VirtualClock();
  const events: ThrottleEvent[] = [];
  const policy = throttle({ random: seededRandom(7), ...options, clock, onEvent: (event) => events.push(event) });
  /** How many of so many calls reached the backend. */
  const send = async (count: number, backend: () => unknown): Promise<number> => {
    let reached = 0;
    for (let turn = 0; turn < count; turn++) {
      await policy
        .execute(() => {
          reached++;
          return backend();
        })
        .catch(() => undefined);
    }
    return reached;
  };
  return { clock, events, policy, send };
}

describe("a throttle", () => {
  it("holds nothing back while at least one of `multiplier` requests is accepted", async () => {
    const { send, policy } = setup();
    let turn = 0;
    expect(await send(1_000, () => (turn++ % 2 === 0 ? 1 : fail()))).toBe(1_000);
    expect(policy.metrics).toEqual({ requests: 1_000, accepts: 500, rejectProbability: 0, throttled: 0 });
  });

  it("holds back in proportion, and tells who is held back", async () => {
    const { send, policy, events } = setup();
    await send(100, () => 1);
    await send(100, fail);
    expect(policy.metrics.rejectProbability).toBe(0);
    const reached = await send(400, fail);
    const { requests, accepts, rejectProbability, throttled } = policy.metrics;
    expect([requests, accepts]).toEqual([600, 100]);
    expect(rejectProbability).toBeCloseTo((600 - 2 * 100) / 601);
    expect(throttled).toBe(400 - reached);
    expect(throttled).toBeGreaterThan(100);
    expect(events).toHaveLength(throttled);
    const error = await policy.execute(fail).catch((failure: unknown) => failure);
    if (error !== boom) expect(error).toBeInstanceOf(ThrottledError);
  });

  it("lets a share through even when all is refused, and recovers with the backend", async () => {
    const { send, policy, clock } = setup();
    await send(500, fail);
    expect(policy.metrics.rejectProbability).toBe(0.9);
    expect(await send(1_000, fail)).toBeGreaterThan(50);
    for (let minute = 0; minute < 8; minute++) {
      await send(200, () => 1);
      await clock.advance(30_000);
    }
    expect(policy.metrics.rejectProbability).toBe(0);
  });

  it("pitfall 1: an idle window expires, for who only reads it too", async () => {
    const { send, policy, clock } = setup();
    await send(500, fail);
    await clock.advance(3_600_000);
    expect(policy.metrics).toMatchObject({ requests: 0, rejectProbability: 0 });
    expect(await send(1, () => 1)).toBe(1);
    await send(500, fail);
    await clock.advance(3_600_000);
    expect(await send(1, fail)).toBe(1);
    expect(policy.metrics.requests).toBe(1);
  });

  it("takes calls under way for neither accepted nor refused", () => {
    const { policy } = setup();
    for (let count = 0; count < 500; count++) void policy.execute(() => new Promise(() => undefined));
    expect(policy.metrics).toMatchObject({ requests: 0, throttled: 0 });
  });

  it("counts no call that its caller gave up, but those that ran out of time", async () => {
    const { policy } = setup();
    const waits = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    for (const [reason, requests] of [
      [boom, 0],
      [new TimeoutError("", 5), 1],
    ] as const) {
      const controller = new AbortController();
      const result = policy.execute(waits, { signal: controller.signal });
      controller.abort(reason);
      await expect(result).rejects.toBe(reason);
      expect(policy.metrics).toMatchObject({ requests, accepts: 0 });
    }
  });

  it("counts as refused what `on` chooses; other failures are answers", async () => {
    const { send, policy } = setup({ on: (error) => error !== boom });
    await send(100, fail);
    expect(policy.metrics).toMatchObject({ requests: 100, accepts: 100 });
  });

  it("pitfall 15: passes on what the operation does, also undefined and what it throws", async () => {
    const { policy } = setup();
    expect(await policy.execute(() => undefined)).toBeUndefined();
    await expect(
      policy.execute(() => {
        throw boom;
      }),
    ).rejects.toBe(boom);
  });

  it("takes other settings", async () => {
    const { send, policy } = setup();
    await send(50, fail);
    policy.update({ maxRejectProbability: 0 });
    expect(await send(50, fail)).toBe(50);
    expect(() => policy.update({ multiplier: 0.5 })).toThrow("throttle.multiplier must be a number >= 1 (got 0.5)");
    expect(() => throttle({ k: 2 } as never)).toThrow("throttle.k is no option");
  });

  it("pitfall 25: a listener that throws changes no rejection", async () => {
    const policy = throttle({
      random: { ...seededRandom(1), next: () => 0 },
      onEvent: () => {
        throw new Error("listener");
      },
    });
    await policy.execute(fail).catch(() => undefined);
    await expect(policy.execute(fail)).rejects.toBeInstanceOf(ThrottledError);
  });

  it("is the formula, to the call", async () => {
    const drawn: number[] = [];
    const { send, policy, events, clock } = setup({
      name: "backend",
      random: { next: () => drawn.shift() ?? expect.unreachable() },
    });
    // Nothing was refused yet, so nothing is drawn.
    await send(3, () => 1);
    drawn.push(0.99, 0.99, 0.99);
    await send(7, fail);
    expect(policy.metrics.rejectProbability).toBe((10 - 2 * 3) / 11);
    drawn.push(4 / 11);
    expect(await send(1, fail)).toBe(1);
    drawn.push(0);
    const { rejectProbability } = policy.metrics;
    await expect(policy.execute(fail)).rejects.toMatchObject({ code: "THROTTLED", rejectProbability });
    expect(events).toEqual([{ type: "throttled", at: clock.wallTime(), policy: "backend", rejectProbability }]);
  });

  it("forgets what was accepted, too", async () => {
    const { send, policy, clock } = setup({ windowMs: 1_000 });
    await send(5, () => 1);
    await clock.advance(1_000);
    expect(policy.metrics).toMatchObject({ requests: 0, accepts: 0 });
  });

  it("names no policy in its events when it has no name", async () => {
    const { send, events } = setup({ random: { next: () => 0 } });
    await send(2, fail);
    expect(events).toMatchObject([{ policy: "" }]);
  });
});
