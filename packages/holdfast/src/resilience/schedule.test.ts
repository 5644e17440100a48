import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { constantBackoff, exponentialBackoff, fibonacciBackoff, linearBackoff } from "./backoff.ts";
import {
  intersection,
  never,
  sequence,
  toSchedule,
  union,
  upToElapsed,
  upToRetries,
  type Schedule,
  type ScheduleInput,
} from "./schedule.ts";

/** The delays of a schedule whose tries take no time. */
function delays(schedule: Schedule, most = 8): number[] {
  const found: number[] = [];
  let elapsedMs = 0;
  let at: Schedule | undefined = schedule;
  while (at !== undefined && found.length < most) {
    const step = at.next({ attempt: found.length + 1, elapsedMs, error: undefined });
    if (step !== undefined) {
      found.push(step.delayMs);
      elapsedMs += step.delayMs;
    }
    at = step?.rest;
  }
  return found;
}

const list = (...values: number[]): Schedule => toSchedule("list", values);

describe("backoffs", () => {
  it.each<[string, Schedule, number[]]>([
    ["constant", constantBackoff(7), [7, 7, 7, 7, 7]],
    ["linear", linearBackoff({ baseMs: 10, maxMs: 35 }), [10, 20, 30, 35, 35]],
    ["exponential", exponentialBackoff({ baseMs: 10, factor: 3, maxMs: 100 }), [10, 30, 90, 100, 100]],
    ["exponential by default", exponentialBackoff(), [100, 200, 400, 800, 1600]],
    ["fibonacci", fibonacciBackoff({ baseMs: 10, maxMs: 45 }), [10, 10, 20, 30, 45]],
    ["nothing at all", exponentialBackoff({ baseMs: 0 }), [0, 0, 0, 0, 0]],
    ["a base above the cap", exponentialBackoff({ baseMs: 50, maxMs: 20 }), [20, 20, 20, 20, 20]],
    ["an iterable", list(5, 1), [5, 1]],
    ["a function", toSchedule("f", ({ attempt }) => (attempt < 3 ? attempt * 2 : undefined)), [2, 4]],
  ])("%s", (_, schedule, expected) => {
    expect(delays(schedule, 5)).toEqual(expected);
    // The same again: a schedule has no state.
    expect(delays(schedule, 5)).toEqual(expected);
  });

  it.each([
    exponentialBackoff(),
    linearBackoff({ baseMs: 1e308 }),
    fibonacciBackoff(),
    exponentialBackoff({ baseMs: 0 }),
  ])("pitfall 16: the delay of a late try is not NaN, negative or smaller (%#)", (schedule) => {
    const found = delays(schedule, 3_000);
    expect(found).toHaveLength(3_000);
    expect(found.every((delay, at) => delay >= (found[at - 1] ?? 0))).toBe(true);
  });

  it.each<[() => unknown, string]>([
    [() => constantBackoff(-1), "constantBackoff.delayMs must be a number >= 0 (got -1)"],
    [() => linearBackoff({ baseMs: Number.NaN }), "linearBackoff.baseMs must be a number >= 0 (got NaN)"],
    [() => exponentialBackoff({ factor: 0.5 }), "exponentialBackoff.factor must be a number >= 1 (got 0.5)"],
    [() => fibonacciBackoff({ factor: 2 } as never), "fibonacciBackoff.factor is no option"],
    [() => upToRetries(never, 1.5), "upToRetries.retries must be an integer >= 0 (got 1.5)"],
    [() => upToElapsed(never, -1), "upToElapsed.elapsedMs must be a number >= 0 (got -1)"],
    [() => linearBackoff({ maxMs: -1 }), "linearBackoff.maxMs must be a number >= 0 (got -1)"],
    ...[5, null, {}, { next: 5 }].map((given): [() => unknown, string] => [
      () => toSchedule("retry.backoff", given as never),
      "retry.backoff must be a schedule, an iterable of delays or a function",
    ]),
  ])("refuses what is out of range (%#)", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("combinations", () => {
  it.each<[string, Schedule, number[]]>([
    ["sequence", sequence(list(1, 2), list(), list(3)), [1, 2, 3]],
    ["union: the shorter delay, while either goes on", union(list(5, 1), list(3, 4, 9)), [3, 1, 9]],
    ["intersection: the longer delay, while both go on", intersection(list(5, 1), list(3, 4, 9)), [5, 4]],
    ["upToRetries", upToRetries(constantBackoff(1), 3), [1, 1, 1]],
    ["upToRetries 0", upToRetries(constantBackoff(1), 0), []],
    ["upToElapsed", upToElapsed(constantBackoff(30), 100), [30, 30, 30]],
    ["upToElapsed: the next try begins before, not then", upToElapsed(constantBackoff(50), 100), [50]],
    ["upToElapsed of a schedule that ends first", upToElapsed(list(1, 2), 100), [1, 2]],
    ["quick ones, then slow ones", sequence(upToRetries(constantBackoff(0), 2), constantBackoff(9)), [0, 0, 9, 9]],
  ])("%s", (_, schedule, expected) => {
    expect(delays(schedule, 4)).toEqual(expected);
  });

  const anyList = fc.array(fc.nat(50), { maxLength: 6 });
  const input: ScheduleInput = { attempt: 1, elapsedMs: 0, error: undefined };

  it("sequence is the lists one after the other, and associative", () => {
    fc.assert(
      fc.property(anyList, anyList, anyList, (a, b, c) => {
        const whole = delays(sequence(list(...a), list(...b), list(...c)), 20);
        expect(whole).toEqual([...a, ...b, ...c]);
        expect(delays(sequence(sequence(list(...a), list(...b)), list(...c)), 20)).toEqual(whole);
      }),
    );
  });

  it("union and intersection commute, absorb each other and have never as unit and zero", () => {
    fc.assert(
      fc.property(anyList, anyList, (a, b) => {
        const [x, y] = [list(...a), list(...b)];
        expect(delays(union(x, y))).toEqual(delays(union(y, x)));
        expect(delays(intersection(x, y))).toEqual(delays(intersection(y, x)));
        expect(delays(union(x, intersection(x, y)))).toEqual(a);
        expect(delays(intersection(x, union(x, y)))).toEqual(a);
        expect(delays(union(x, never))).toEqual(a);
        expect(intersection(x, never).next(input)).toBeUndefined();
      }),
    );
  });

  it("says whether anything in it looks at the time", () => {
    const plain = constantBackoff(1);
    const timed = upToElapsed(plain, 10);
    const untimed = [never, plain, linearBackoff(), list(1), union(plain, plain), sequence(plain, plain)];
    untimed.push(intersection(plain, plain), upToRetries(plain, 2));
    expect(untimed.map((schedule) => schedule.timed)).toEqual(untimed.map(() => false));
    const mixed = [union(plain, timed), sequence(plain, timed), intersection(timed, plain), upToRetries(timed, 2)];
    mixed.push(toSchedule("f", () => 1));
    expect(mixed.map((schedule) => schedule.timed)).toEqual(mixed.map(() => true));
  });

  it("takes a generator's delays as needed and remembers them", () => {
    let taken = 0;
    const generator = (function* () {
      for (;;) yield ++taken;
    })();
    const schedule = toSchedule("g", generator);
    expect(taken).toBe(0);
    expect(delays(schedule, 3)).toEqual([1, 2, 3]);
    expect(delays(schedule, 4)).toEqual([1, 2, 3, 4]);
    expect(taken).toBe(4);
  });
});
