import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

describe("VirtualClock", () => {
  it("stands still until it is moved", async () => {
    const clock = new VirtualClock();
    const wall = clock.wallTime();
    await clock.advance(1.5);
    await clock.advance(0);
    expect(clock.now()).toBe(1.5);
    expect(clock.wallTime()).toBe(wall + 1);
  });

  it("fires timers in the order of their time, then of their setting, each at its time", async () => {
    const clock = new VirtualClock();
    const fired: [string, number][] = [];
    const set = (name: string, delayMs: number): void => {
      clock.setTimer(delayMs, () => fired.push([name, clock.now()]));
    };
    set("late", 20);
    set("first", 5);
    set("second", 5);
    set("never", 21);
    await clock.advance(20);
    expect(fired).toEqual([
      ["first", 5],
      ["second", 5],
      ["late", 20],
    ]);
    expect(clock.pending).toBe(1);
  });

  it("fires what timers, their microtasks and their deferred turns set on the way", async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    clock.setTimer(10, () => {
      void Promise.resolve().then(() =>
        clock.defer(() => {
          void clock
            .sleep(5)
            .then(() => clock.sleep(5))
            .then(() => at.push(clock.now()));
        }),
      );
    });
    await clock.advance(20);
    expect(at).toEqual([20]);
    expect(clock.pending).toBe(0);
  });

  it("forgets cancelled timers", async () => {
    const clock = new VirtualClock();
    let fired = 0;
    const timer = clock.setTimer(3, () => fired++);
    timer.cancel();
    timer.cancel();
    expect(clock.pending).toBe(0);
    await clock.advance(10);
    expect(fired).toBe(0);
  });

  it("lets time pass in a loop of sleeps of no length, and bears delays that are no number", async () => {
    const clock = new VirtualClock();
    let turns = 0;
    void (async () => {
      for (; turns < 100; turns++) await clock.sleep(0);
    })();
    clock.setTimer(Number.NaN, () => undefined);
    clock.setTimer(Infinity, () => undefined);
    await clock.advance(5);
    expect(turns).toBe(5);
    expect(clock.pending).toBe(2);
  });

  it("ends a sleep on abort with the signal's reason, and leaves nothing behind", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const { signal } = controller;
    const asleep = clock.sleep(1_000, { signal });
    const slept = clock.sleep(10, { signal });
    await clock.advance(10);
    await slept;
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    controller.abort("enough");
    await expect(asleep).rejects.toBe("enough");
    await expect(clock.sleep(1, { signal })).rejects.toBe("enough");
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("moves the wall clock alone", () => {
    const clock = new VirtualClock();
    const wall = clock.wallTime();
    clock.jumpWallTime(-3_600_000);
    expect([clock.now(), clock.wallTime() - wall]).toEqual([0, -3_600_000]);
  });

  it.each([-1, Number.NaN, Infinity])("does not advance by %s", async (byMs) => {
    await expect(new VirtualClock().advance(byMs)).rejects.toThrow("advance.byMs must be a finite number >= 0");
  });

  it("throws what a callback throws", async () => {
    const clock = new VirtualClock();
    clock.setTimer(1, () => {
      throw new Error("broken");
    });
    await expect(clock.advance(1)).rejects.toThrow("broken");
  });
});
