import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../runtime/system.ts";
import { VirtualClock } from "../testing/index.ts";
import { TimerWheel, WheelTimer, wheelOf } from "./timer-wheel.ts";

class Probe extends WheelTimer {
  readonly #onExpire: () => void;

  constructor(onExpire: () => void) {
    super();
    this.#onExpire = onExpire;
  }

  override expire(): void {
    this.#onExpire();
  }
}

describe("TimerWheel", () => {
  it("fires never early, and late by at most a millisecond or 1/64 of the delay", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            after: fc.double({ min: 0, max: 500, noNaN: true }),
            delay: fc.oneof(fc.nat(300), fc.nat(100_000)),
          }),
          {
            minLength: 1,
            maxLength: 12,
          },
        ),
        async (plan) => {
          const clock = new VirtualClock();
          const wheel = new TimerWheel(clock);
          const fired: { late: number; delay: number }[] = [];
          for (const { after, delay } of plan) {
            await clock.advance(after);
            const from = clock.now();
            wheel.start(new Probe(() => fired.push({ late: clock.now() - from - delay, delay })), delay);
          }
          await clock.advance(110_000);
          expect(fired).toHaveLength(plan.length);
          for (const { late, delay } of fired) {
            expect(late).toBeGreaterThanOrEqual(-1e-6);
            expect(late).toBeLessThanOrEqual(Math.max(1, delay / 64) + 1 + 1e-6);
          }
          expect(wheel.size).toBe(0);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("uses one timer of the clock for many, and none once all have been stopped and it has run out", async () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock);
    const probes = Array.from({ length: 500 }, () => new Probe(() => expect.unreachable()));
    for (const [at, probe] of probes.entries()) wheel.start(probe, 100 + at);
    expect(wheel.size).toBe(500);
    expect(clock.pending).toBe(1);
    for (const probe of probes) wheel.stop(probe);
    expect(wheel.size).toBe(0);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });

  it("does not fire what one that fired before it stopped, also when due in the same turn", async () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock);
    let fired = 0;
    const probes: Probe[] = [];
    const onExpire = (): void => {
      fired++;
      for (const probe of probes) wheel.stop(probe);
    };
    for (let at = 0; at < 3; at++) {
      const probe = new Probe(onExpire);
      probes.push(probe);
      wheel.start(probe, 10);
    }
    await clock.advance(50);
    expect(fired).toBe(1);
  });

  it("can be started again, also by itself when it fires", async () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock);
    const at: number[] = [];
    const probe = new Probe(() => {
      at.push(clock.now());
      if (at.length < 3) wheel.start(probe, 100);
    });
    wheel.start(probe, 100);
    await clock.advance(1_000);
    expect(at).toEqual([100, 200, 300]);
  });

  it("fires everything overdue once after the event loop stood still, and nothing that is not due", async () => {
    const clock = new VirtualClock();
    // A clock whose timers are all late: what a blocked event loop looks like from inside.
    let skewMs = 0;
    const wheel = new TimerWheel({
      now: () => clock.now() + skewMs,
      wallTime: () => clock.wallTime(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      defer: (callback) => clock.defer(callback),
      sleep: (delayMs, options) => clock.sleep(delayMs, options),
    });
    const fired: number[] = [];
    for (let delay = 1; delay <= 100; delay++) wheel.start(new Probe(() => fired.push(delay)), delay);
    skewMs = 10_000;
    for (let delay = 1; delay <= 100; delay++) wheel.start(new Probe(() => fired.push(1_000 + delay)), delay);
    await clock.advance(1);
    expect(fired.filter((delay) => delay <= 100)).toHaveLength(100);
    expect(fired.filter((delay) => delay > 1_001)).toEqual([]);
    await clock.advance(200);
    expect(new Set(fired).size).toBe(200);
    expect(fired).toHaveLength(200);
  });

  it("pitfall 16: delays beyond 2^31 ms do not fire at once, and infinity never does", async () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock);
    let fired = 0;
    wheel.start(new Probe(() => fired++), 2 ** 32);
    wheel.start(new Probe(() => expect.unreachable()), Infinity);
    await clock.advance(2 ** 32 - 1);
    expect(fired).toBe(0);
    await clock.advance(2 ** 27);
    expect(fired).toBe(1);

    const real = new TimerWheel(systemClock);
    const probe = new Probe(() => expect.unreachable());
    real.start(probe, 2 ** 31);
    await new Promise((resolve) => {
      systemClock.setTimer(5, () => resolve(undefined));
      systemClock.sleep(5).catch(() => undefined);
    });
    real.stop(probe);
  });

  it("is one per clock", () => {
    const clock = new VirtualClock();
    expect(wheelOf(clock)).toBe(wheelOf(clock));
    expect(wheelOf(clock)).not.toBe(wheelOf(new VirtualClock()));
  });

  it("wakes up when something is due, and not before", async () => {
    const clock = new VirtualClock();
    let set = 0;
    const wheel = new TimerWheel({
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      setTimer: (delayMs, callback) => {
        set++;
        return clock.setTimer(delayMs, callback);
      },
      defer: (callback) => clock.defer(callback),
      sleep: (delayMs, options) => clock.sleep(delayMs, options),
    });
    const fired: number[] = [];
    for (const delay of [1_000, 1_000, 100_000]) wheel.start(new Probe(() => fired.push(delay)), delay);
    expect(set).toBe(1);
    await clock.advance(110_000);
    expect(fired).toEqual([1_000, 1_000, 100_000]);
    expect(set).toBe(2);
  });

  it("holds nothing that never fires", () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock);
    wheel.start(new Probe(() => expect.unreachable()), Infinity);
    expect([wheel.size, clock.pending]).toEqual([0, 0]);
  });
});
