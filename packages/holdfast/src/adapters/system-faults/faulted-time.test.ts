import { describe, expect, it } from "vitest";
import { FaultedTime } from "./faulted-time.ts";

interface Clocks {
  readonly time: FaultedTime;
  readonly pass: (ms: number) => void;
  readonly read: () => readonly [wall: number, mono: number];
}

/** Clocks that stand until they are moved. */
function clocks(): Clocks {
  let now = 1_000;
  let changes = 0;
  const time = new FaultedTime({ wall: () => 1_000_000 + now, mono: () => now }, () => changes++);
  return { time, pass: (ms) => (now += ms), read: () => [time.wall(), time.mono()] };
}

describe("faulted time", () => {
  it("skew: the wall clock alone", () => {
    const { time, pass, read } = clocks();
    time.add("a", "clockSkew", { byMs: -500 });
    time.add("b", "clockSkew", { byMs: 70 });
    pass(10);
    expect(read()).toEqual([1_000_580, 1_010]);
    time.remove("a");
    expect(read()).toEqual([1_001_080, 1_010]);
    time.remove("b");
    expect([...read(), time.isReal]).toEqual([1_001_010, 1_010, true]);
  });

  it("slow and still: both catch up at the end", () => {
    const { time, pass, read } = clocks();
    time.add("a", "clockDrift", { ppm: -500_000 });
    pass(100);
    expect(read()).toEqual([1_001_050, 1_050]);
    time.add("b", "clockStop", {});
    pass(100);
    expect([...read(), time.rate]).toEqual([1_001_050, 1_050, 0]);
    time.remove("b");
    pass(20);
    expect(read()).toEqual([1_001_060, 1_060]);
    time.remove("a");
    expect([...read(), time.isReal, time.rate]).toEqual([1_001_220, 1_220, true, 1]);
  });

  it("fast and jumping: the wall clock goes back at the end, the monotonic one never", () => {
    const { time, pass, read } = clocks();
    time.add("a", "clockDrift", { ppm: 1_000_000 });
    pass(100);
    time.add("b", "clockJump", { byMs: 1_000 });
    expect(read()).toEqual([1_002_200, 2_200]);
    pass(10);
    expect(read()).toEqual([1_002_220, 2_220]);
    time.remove("a");
    pass(10);
    expect(read()).toEqual([1_002_230, 2_230]);
    time.remove("b");
    pass(10);
    expect([...read(), time.rate]).toEqual([1_001_130, 2_240, 1]);
    // The next ones begin from there.
    time.add("c", "clockStop", {});
    pass(5_000);
    expect(read()).toEqual([1_001_130, 2_240]);
    time.remove("c");
    expect([...read(), time.isReal]).toEqual([1_006_130, 6_130, true]);
  });

  it("counts the readings that were wrong", () => {
    const { time } = clocks();
    time.add("a", "clockStop", {});
    time.add("b", "clockSkew", { byMs: 5 });
    time.strike("wall");
    time.strike("mono");
    expect([time.struck("a"), time.struck("b"), time.struck("c")]).toEqual([2, 1, 0]);
  });
});
