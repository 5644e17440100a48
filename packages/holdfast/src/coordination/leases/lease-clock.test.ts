import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { decodeCommand } from "../key-value/command-codec.ts";
import { LeaseClock } from "./lease-clock.ts";

function start() {
  const clock = new VirtualClock();
  const state = { size: 1, backlog: false, term: undefined as number | undefined };
  const proposed: (readonly [term: number, elapsedMs: number])[] = [];
  const leaseClock = new LeaseClock({
    clock,
    tickMs: 500,
    leases: {
      get size() {
        return state.size;
      },
      get backlog() {
        return state.backlog;
      },
    },
    leadingTerm: () => state.term,
    propose(command) {
      const { operation } = decodeCommand(command);
      if (operation.type === "clockTick") proposed.push([operation.request.term, operation.request.elapsedMs]);
    },
  });
  /** Lets time pass as the member does, which looks every 100 ms. */
  const pass = async (ms: number): Promise<typeof proposed> => {
    for (let left = ms; left > 0; left -= 100) {
      await clock.advance(Math.min(left, 100));
      leaseClock.tick();
    }
    return proposed.splice(0);
  };
  return { clock, state, pass, tick: () => leaseClock.tick(), proposed };
}

describe("the clock of the leases", () => {
  it("is moved on by the leader alone, from its own first tick on", async () => {
    const { state, pass } = start();
    expect(await pass(5000)).toEqual([]);
    state.term = 3;
    expect(await pass(100)).toEqual([[3, 0]]);
    expect(await pass(1400)).toEqual([
      [3, 500],
      [3, 500],
    ]);
    state.term = undefined;
    expect(await pass(1000)).toEqual([]);
    state.term = 5;
    expect(await pass(700)).toEqual([
      [5, 0],
      [5, 500],
    ]);
    // A leadership that ended and began between two looks.
    state.term = 7;
    expect(await pass(600)).toEqual([
      [7, 0],
      [7, 500],
    ]);
  });

  it("stands still while there are no leases", async () => {
    const { state, pass } = start();
    state.term = 1;
    state.size = 0;
    expect(await pass(5000)).toEqual([]);
    state.size = 2;
    expect(await pass(600)).toEqual([
      [1, 0],
      [1, 500],
    ]);
  });

  it("counts two intervals at most when the leader stood still", async () => {
    const { clock, state, pass, tick, proposed } = start();
    state.term = 1;
    await pass(100);
    await clock.advance(60_000);
    tick();
    expect(proposed.splice(0)).toEqual([[1, 1000]]);
    expect(await pass(500)).toEqual([[1, 500]]);
  });

  it("loses no fraction of a millisecond", async () => {
    const { clock, state, tick, proposed } = start();
    state.term = 1;
    tick();
    for (let round = 0; round < 10; round++) {
      await clock.advance(500.75);
      tick();
    }
    expect(proposed.reduce((total, [, elapsedMs]) => total + elapsedMs, 0)).toBe(5007);
  });

  it("ticks at every look while leases wait to be removed", async () => {
    const { state, pass } = start();
    state.term = 1;
    await pass(100);
    state.backlog = true;
    expect(await pass(300)).toEqual([
      [1, 100],
      [1, 100],
      [1, 100],
    ]);
  });
});
