import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { checkFaults, faultTypes, parseFaults } from "./check-faults.ts";
import type { FaultModel } from "./fault.ts";
import { describeFault, drawSchedule, type FaultDescription } from "./fault-schedule.ts";

const names = ["a", "b", "c"];

function described(...faults: unknown[]): unknown {
  return { seed: 1, lengthMs: 10_000, faults };
}

describe("a schedule that is drawn", () => {
  const description: FaultDescription = {
    seed: 1,
    lengthMs: 600_000,
    faults: [
      { type: "crash", targets: "one", probability: 0.25, perMs: 1_000, durationMs: [10, 1_000] },
      { type: "partition", targets: "some", probability: 1, perMs: 10_000, durationMs: 100 },
      { type: "loss", targets: "leader", share: [0.1, 0.9], atMs: 500, durationMs: 100 },
      { type: "clockSkew", targets: "all", byMs: [-1_000, 1_000], probability: 1, perMs: 1_000, durationMs: 5 },
    ],
  };
  const drawn = drawSchedule(seededRandom(7), description, names);
  const ofType = (type: string) => drawn.faults.filter((fault) => fault.type === type);

  it("has each fault as often as its probability says, anywhere in its time", () => {
    // 600 trials at a quarter: 150, give or take three deviations.
    expect(ofType("crash").length).toBeGreaterThan(118);
    expect(ofType("crash").length).toBeLessThan(182);
    expect(ofType("partition")).toHaveLength(60);
    const places = ofType("partition").map(({ atMs }) => atMs % 10_000);
    expect(Math.min(...places)).toBeLessThan(2_000);
    expect(Math.max(...places)).toBeGreaterThan(8_000);
    expect(drawn.faults.map(({ atMs }) => atMs)).toEqual(
      drawn.faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
    );
  });

  it("has targets that were drawn, and selectors for later", () => {
    const crashed = new Map(names.map((name) => [name, 0]));
    for (const { targets } of ofType("crash")) {
      expect(targets).toHaveLength(1);
      crashed.set(targets[0]!, crashed.get(targets[0]!)! + 1);
    }
    for (const count of crashed.values()) expect(count).toBeGreaterThan(25);
    const sizes = new Set(ofType("partition").map(({ targets }) => targets.length));
    expect(sizes).toEqual(new Set([0, 1, 2, 3]));
    expect(ofType("loss")[0]!.targets).toBe("leader");
  });

  it("has numbers from the ranges: as many below as above the geometric mean, or the mean across 0", () => {
    const lengths = ofType("crash").map(({ durationMs }) => durationMs);
    const short = lengths.filter((length) => length < 100).length;
    expect(Math.abs(short / lengths.length - 0.5)).toBeLessThan(0.13);
    expect(lengths.every((length) => length >= 10 && length <= 1_000 && Number.isInteger(length))).toBe(true);
    const past = ofType("clockSkew").filter((fault) => fault.type === "clockSkew" && fault.byMs < 0);
    expect(Math.abs(past.length / 600 - 0.5)).toBeLessThan(0.07);
    const [loss] = ofType("loss");
    expect(loss).toMatchObject({
      type: "loss",
      share: expect.toSatisfy((share: number) => share > 0.1 && share < 0.9),
    });
  });

  it("is the same from the same seed, another from another, and gives itself when drawn again", () => {
    expect(drawSchedule(seededRandom(7), description, names)).toEqual(drawn);
    expect(drawSchedule(seededRandom(8), description, names)).not.toEqual(drawn);
    expect(drawSchedule(seededRandom(9), drawn, names)).toEqual(drawn);
  });

  it("can be written as JSON and read back", () => {
    expect(parseFaults(JSON.stringify(drawn))).toEqual(drawn);
    expect(parseFaults(JSON.stringify(description), ["leader"])).toEqual(description);
  });

  it("leaves what one model draws as it is when another is taken out", () => {
    const first = description.faults.slice(0, 1);
    const alone = drawSchedule(seededRandom(7), { ...description, faults: first }, names);
    expect(alone.faults).toEqual(ofType("crash"));
  });
});

describe("a fault in words", () => {
  it.each<[FaultModel, string]>([
    [
      { type: "crash", how: "kill", targets: ["a"], atMs: 5, durationMs: 10, recoveryMs: 20 },
      "at 5 ms: crash kill of a for 10 ms and 20 ms to recover",
    ],
    [
      {
        id: "lies",
        type: "byzantine",
        behaviour: "wrong",
        share: 0.5,
        targets: "leader",
        atMs: 0,
        waitMs: 9,
        durationMs: 1,
      },
      "at 0 ms: lies byzantine wrong share 0.5 of leader within 9 ms for 1 ms",
    ],
    [{ type: "clog", targets: [], atMs: 0, durationMs: 1 }, "at 0 ms: clog of nobody for 1 ms"],
  ])("says what, whom and how long", (model, words) => {
    const { faults } = drawSchedule(seededRandom(1), { seed: 1, lengthMs: 10, faults: [model] }, names);
    expect(describeFault(faults[0]!)).toBe(words);
  });
});

describe("a description from outside", () => {
  const crash = { type: "crash", targets: ["a"], atMs: 1, durationMs: 1 };

  it.each<[string, unknown, string]>([
    ["no object", [], "schedule must be an object (got an array of 0)"],
    ["an unknown option", { ...(described() as object), speed: 1 }, "schedule.speed is no option; there are seed"],
    ["a broken seed", { seed: 0.5, lengthMs: 1, faults: [] }, "schedule.seed must be an integer >= "],
    ["an endless one", { seed: 1, lengthMs: Infinity, faults: [] }, "schedule.lengthMs must be a number >= 0"],
    ["no list", { seed: 1, lengthMs: 1, faults: {} }, "schedule.faults must be an array (got an object)"],
    ["an unknown type", described(crash, { ...crash, type: "flood" }), 'faults[1].type must be "crash" or "failStop"'],
    ["another type's option", described({ ...crash, share: 1 }), "faults[0].share is no option; there are id, type"],
    ["no targets", described({ ...crash, targets: undefined }), "faults[0].targets must be a selector or an array"],
    ["a broken name", described({ ...crash, targets: ["a", 7] }), "faults[0].targets[1] must be a name (got 7)"],
    ["a stranger", described({ ...crash, targets: ["z"] }), 'faults[0].targets[0] must be "a" or "leader" (got "z")'],
    ["an unknown selector", described({ ...crash, targets: "king" }), 'faults[0].targets must be "all" or "one"'],
    ["no moment", described({ ...crash, atMs: undefined }), "faults[0].atMs must be a number >= 0 (got undefined)"],
    [
      "two moments",
      described({ ...crash, probability: 1, perMs: 1 }),
      "faults[0].atMs must not come with a probability",
    ],
    ["half a chance", described({ ...crash, perMs: 1 }), "faults[0].perMs must come with a probability (got 1)"],
    [
      "a chance above 1",
      described({ ...crash, atMs: undefined, probability: 2, perMs: 1 }),
      "faults[0].probability must be a number >= 0 and <= 1 (got 2)",
    ],
    [
      "too many trials",
      { ...(described({ ...crash, atMs: undefined, probability: 1, perMs: 1 }) as object), lengthMs: 1e9 },
      "faults[0].perMs must be a number >= 10000 (got 1)",
    ],
    ["no duration", described({ ...crash, durationMs: undefined }), "faults[0].durationMs must be a number >= 0"],
    ["a time below 0", described({ ...crash, recoveryMs: -2 }), "faults[0].recoveryMs must be a number >= 0 (got -2)"],
    ["a range backwards", described({ ...crash, durationMs: [5, 1] }), "faults[0].durationMs[1] must be a number >= 5"],
    [
      "a range of three",
      described({ ...crash, durationMs: [1, 2, 3] }),
      "faults[0].durationMs must be a number or [least",
    ],
    ["a wrong word", described({ ...crash, how: "gently" }), 'faults[0].how must be "power" or "kill" (got "gently")'],
    ["a missing share", described({ ...crash, type: "loss" }), "faults[0].share must be a number >= 0 and <= 1"],
    [
      "a stopped drift",
      described({ ...crash, type: "clockDrift", ppm: -1e6 }),
      "faults[0].ppm must be a number >= -999999",
    ],
    ["a broken id", described({ ...crash, id: 7 }), "faults[0].id must be text (got 7)"],
  ])("with %s is refused by path, rule and value", (_, value, message) => {
    expect(() => checkFaults(value, ["a", "leader"])).toThrow(message);
  });

  it("that is no JSON is refused", () => {
    expect(() => parseFaults("{")).toThrow("schedule must be JSON: ");
  });

  it("may have every type", () => {
    const values: Record<string, object> = {
      byzantine: { behaviour: "silent" },
      delay: { delayMs: 1 },
      loss: { share: 1 },
      duplication: { share: 1 },
      reordering: { share: 1 },
      slowDisk: { extraMs: [1, 2] },
      clockSkew: { byMs: -1 },
      clockDrift: { ppm: 1 },
    };
    const faults = faultTypes.map((type) => ({ ...crash, type, ...values[type] }));
    expect(checkFaults(described(...faults), ["a"]).faults).toHaveLength(18);
  });
});
