import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { abortAfter, timersOf } from "./timers.ts";

describe("timersOf", () => {
  it("runs callbacks when their time has come, unless they are cleared", async () => {
    const clock = new VirtualClock();
    const { setTimeout, clearTimeout, setInterval, clearInterval, now } = timersOf(clock);
    const calls: string[] = [];
    const startedAt = now();
    setTimeout(() => calls.push(`timeout at ${now() - startedAt}`), 25);
    clearTimeout(setTimeout(() => calls.push("cleared"), 10));
    clearTimeout(undefined);
    const interval = setInterval(() => {
      calls.push(`interval at ${now() - startedAt}`);
      if (calls.length === 3) clearInterval(interval);
    }, 20);
    await clock.advance(100);
    expect(calls).toEqual(["interval at 20", "timeout at 25", "interval at 40"]);
  });
});

describe("abortAfter", () => {
  it("aborts as AbortSignal.timeout does", async () => {
    const clock = new VirtualClock();
    const signal = abortAfter(clock, 50);
    await clock.advance(49);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({ name: "TimeoutError" });
  });
});
