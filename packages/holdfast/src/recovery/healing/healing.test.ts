import { describe, expect, it } from "vitest";
import { createHealing, stepHealing, type Healing } from "./healing.ts";
import { aimOf } from "./healing-action.ts";
import type { HealingDecision } from "./healing-decision.ts";
import type { HealingOptions } from "./healing-options.ts";
import type { Observation, ObservedMember } from "./observed-cluster.ts";

const second = 1_000;
const minute = 60 * second;

function member(id: string, given: Partial<ObservedMember> = {}): ObservedMember {
  return {
    id,
    name: id,
    kind: "voter",
    isManaged: true,
    liveness: "answers",
    sinceMs: minute,
    lost: null,
    gossip: null,
    lagEntries: 0,
    isSlow: false,
    isDiskFull: false,
    load: null,
    zone: null,
    canRestart: false,
    ...given,
  };
}

const dead = { liveness: "stopped", sinceMs: 2 * minute } as const;

interface Scene {
  readonly healing: Healing;
  /** Looks, and gives what is ordered, which ends at once. */
  readonly look: (atMs: number, observation: Partial<Observation>) => string | undefined;
  readonly decisions: HealingDecision[];
}

function scene(voters: number, options: Partial<HealingOptions> = {}): Scene {
  const healing = createHealing({ desired: { voters }, ...options });
  const decisions: HealingDecision[] = [];
  return {
    healing,
    decisions,
    look(atMs, observation) {
      const observed = { leader: "a", isSettled: true, members: [], ...observation };
      const effects = stepHealing(healing, { type: "observed", atMs, observation: observed });
      decisions.push(...effects.decisions);
      if (effects.order === undefined) return undefined;
      decisions.push(...stepHealing(healing, { type: "ended", atMs, outcome: "done", reason: null }).decisions);
      return aimOf(effects.order.action).trim();
    },
  };
}

/** Why nothing is done, by the guard's name. */
function withheld({ decisions }: Scene): string[] {
  return decisions.flatMap((decision) => (decision.type === "withheld" ? [decision.guard] : []));
}

const three = [member("a"), member("b"), member("c")];
const without = (...changed: ObservedMember[]): readonly ObservedMember[] =>
  three.map((old) => changed.find(({ id }) => id === old.id) ?? old);

describe("healing", () => {
  it("replaces a dead member: a learner, its promotion, the removal; in that order, whoever goes on with it", () => {
    const gone = member("c", dead);
    const stages: readonly [readonly ObservedMember[], string | undefined][] = [
      [[member("a"), member("b"), gone], "addLearner c"],
      [[...without(gone), member("d", { kind: "learner", lagEntries: 5_000 })], undefined],
      [
        [...without(gone), member("d", { kind: "learner", liveness: "silent", sinceMs: 5, lagEntries: null })],
        undefined,
      ],
      [[...without(gone), member("d", { kind: "learner", lagEntries: 3 })], "promote d"],
      [[...without(gone), member("d")], "remove c"],
      [[member("a"), member("b"), member("d")], undefined],
    ];
    const one = scene(3);
    one.look(0, { members: three });
    for (const [at, [members, expected]] of stages.entries()) {
      expect(one.look(at * minute + minute, { members }), `stage ${at}`).toBe(expected);
      // Another healer, that knows nothing, does the same with what it finds.
      const other = scene(3);
      other.look(0, { members });
      expect(other.look(minute, { members }), `stage ${at}, another`).toBe(expected);
    }
    expect(one.decisions.map(({ type }) => type)).toEqual([
      "weakened",
      "started",
      "ended",
      "started",
      "ended",
      "started",
      "ended",
      "restored",
    ]);
  });

  it.each<[string, number, Partial<Observation>, string | undefined, string[]]>([
    ["nothing to one that is well", 3, { members: three }, undefined, []],
    ["nothing without a leader", 3, { leader: null, members: without(member("c", dead)) }, undefined, ["noLeader"]],
    [
      "nothing while a change is under way",
      3,
      { isSettled: false, members: without(member("c", dead)) },
      undefined,
      ["changePending"],
    ],
    [
      "nothing without a majority",
      3,
      { members: without(member("b", dead), member("c", dead)) },
      undefined,
      ["quorum"],
    ],
    [
      "nothing to one that was just here",
      3,
      { members: without(member("c", { ...dead, sinceMs: 9_000 })) },
      undefined,
      [],
    ],
    [
      "a restart of one that is silent",
      3,
      { members: without(member("c", { liveness: "silent", sinceMs: 11_000, canRestart: true })) },
      "restart c",
      [],
    ],
    [
      "nothing to one that still starts",
      3,
      { members: without(member("c", { liveness: "starting", sinceMs: 4 * minute, canRestart: true })) },
      undefined,
      [],
    ],
    [
      "no restart of one that is lost",
      3,
      { members: without(member("c", { ...dead, lost: "no data", canRestart: true })) },
      "addLearner c",
      [],
    ],
    ["a member where one is missing", 3, { members: three.slice(0, 2) }, "addLearner", []],
    ["one member less where there is one too many", 2, { members: three }, "remove c", []],
    ["not the leader, of those who are too many", 2, { leader: "c", members: three }, "remove b", []],
    [
      "nothing to those who are too many while one is away",
      2,
      { members: without(member("b", { liveness: "silent", sinceMs: 1 })) },
      undefined,
      [],
    ],
    [
      "no second one while one is taken in",
      5,
      {
        members: [...three, member("d", dead), member("e", dead), member("f", { kind: "learner", lagEntries: 1_000 })],
      },
      undefined,
      ["oneAtATime"],
    ],
    [
      "the removal of a learner that died",
      3,
      { members: [...three.slice(0, 2), member("c", dead), member("d", { kind: "learner", ...dead })] },
      "remove d",
      [],
    ],
    [
      "the removal of a learner that nobody needs",
      3,
      { members: [...three, member("d", { kind: "learner" })] },
      "remove d",
      [],
    ],
    [
      "nothing to members of somebody else",
      3,
      { members: [...three, member("x", { ...dead, isManaged: false })] },
      undefined,
      [],
    ],
    [
      "nothing while the detectors disagree",
      3,
      { members: without(member("c", { liveness: "silent", sinceMs: 2 * minute, gossip: "alive" })) },
      undefined,
      ["detectorsDisagree"],
    ],
  ])("does %s", (_, voters, observation, expected, guards) => {
    const one = scene(voters);
    one.look(0, observation);
    expect(one.look(minute, observation)).toBe(expected);
    expect(withheld(one).filter((guard) => guard !== "coolDown")).toEqual(guards);
  });

  it("pauses while members have fallen silent together, and goes on when they stay away", () => {
    const one = scene(5);
    const at = (sinceMs: number): readonly ObservedMember[] => [
      ...three,
      member("d", { liveness: "silent", sinceMs }),
      member("e", { liveness: "silent", sinceMs: sinceMs + 3_000 }),
    ];
    one.look(0, { members: [...three, member("d"), member("e")] });
    expect(one.look(100_000, { members: at(100_000) })).toBeUndefined();
    expect(withheld(one)).toEqual(["partition"]);
    expect(one.look(121_000, { members: at(121_000) })).toBe("addLearner d");
    // One after the other is no sign of a cut network, and a process that is known to be gone is none.
    const other = scene(5);
    other.look(0, { members: three });
    const stopped = [...three, member("d", { liveness: "stopped", sinceMs: 90_000 }), member("e", dead)];
    expect(other.look(100_000, { members: stopped })).toBe("addLearner d");
  });

  it("restarts with growing waits, a limited number of times, then replaces", () => {
    const one = scene(3);
    one.look(0, { members: three });
    const orders: [number, string][] = [];
    for (let atMs = second; atMs <= 10 * minute; atMs += second) {
      const silent = member("c", { liveness: "silent", sinceMs: atMs, canRestart: true });
      const order = one.look(atMs, { members: without(silent) });
      if (order !== undefined) orders.push([atMs / second, order]);
      if (order === "addLearner c") break;
    }
    expect(orders).toEqual([
      [10, "restart c"],
      [20, "restart c"],
      [40, "restart c"],
      [60, "addLearner c"],
    ]);
  });

  it("leads elsewhere before it touches a leader that is slow or cannot write", () => {
    const slow = without(member("a", { isSlow: true, canRestart: true }), member("b", { lagEntries: 40 }));
    const one = scene(3);
    one.look(0, { members: slow });
    expect(one.look(14_000, { members: slow })).toBeUndefined();
    expect(one.look(16_000, { members: slow })).toBe("transferLeadership a");
    expect(one.look(40_000, { leader: "c", members: slow })).toBeUndefined();
    expect(one.look(51_000, { leader: "c", members: slow })).toBe("restart a");
    const away = slow.map((old) => (old.id === "b" ? member("b", { liveness: "silent", sinceMs: 1 }) : old));
    const other = scene(3);
    other.look(0, { leader: "c", members: away });
    expect(other.look(minute, { leader: "c", members: away })).toBeUndefined();
    expect(withheld(other)).toEqual(["quorum"]);
  });

  it("replaces a member whose disk stays full", () => {
    const full = without(member("b", { isDiskFull: true }));
    const one = scene(3);
    one.look(0, { members: full });
    expect(one.look(29_000, { members: full })).toBeUndefined();
    expect(one.look(31_000, { members: full })).toBe("addLearner b");
    expect(one.look(60_000, { members: [...full, member("d")] })).toBe("remove b");
  });

  it("moves load from the one above 1.2 of the mean to the one below 0.8, after a while, and not for ever", () => {
    const loads = (a: number, b: number, c: number): Partial<Observation> => {
      return { members: without(member("a", { load: a }), member("b", { load: b }), member("c", { load: c })) };
    };
    const one = scene(3);
    one.look(0, loads(130, 100, 70));
    expect(one.look(59_000, loads(130, 100, 70))).toBeUndefined();
    expect(one.look(61_000, loads(130, 100, 70))).toBe("moveLoad a");
    expect(one.look(64_000, loads(130, 100, 70))).toBeUndefined();
    expect(withheld(one)).toEqual(["coolDown"]);
    // Within the band, it begins anew.
    expect(one.look(80_000, loads(115, 100, 85))).toBeUndefined();
    expect(one.look(90_000, loads(130, 100, 70))).toBeUndefined();
    const moves = Array.from({ length: 30 }, (_, at) => one.look(200_000 + at * 20_000, loads(130, 100, 70)));
    expect(moves.filter((order) => order === "moveLoad a")).toHaveLength(9);
    expect(withheld(one)).toContain("limit");
    expect(one.decisions.some(({ type }) => type === "personWanted")).toBe(true);
  });

  it("scales between its bounds", () => {
    const options = { desired: { voters: 3, scale: { min: 2, max: 4, highLoad: 80, lowLoad: 20 } } };
    const at = (load: number, more: readonly ObservedMember[] = []): Partial<Observation> => {
      return { members: [...three, ...more].map((old) => ({ ...old, load, isManaged: old.id < "d" })) };
    };
    const one = scene(3, options);
    one.look(0, at(90));
    expect(one.look(minute, at(90))).toBe("scale");
    expect(one.healing.memory.lastHour("scale", minute)).toHaveLength(1);
    const four = [member("d")];
    expect(one.look(3 * minute, at(90, four))).toBeUndefined();
    expect(one.look(5 * minute, at(50, four))).toBeUndefined();
    one.look(6 * minute, at(10, four));
    expect(one.look(8 * minute, at(10, four))).toBe("scale");
  });

  it("stops at its limits, calls a person once, and goes on when one has looked", () => {
    const one = scene(3, { replacementsPerHour: 1 });
    const gone = without(member("c", dead));
    one.look(0, { members: gone });
    expect(one.look(minute, { members: gone })).toBe("addLearner c");
    expect(one.look(2 * minute, { members: gone })).toBeUndefined();
    expect(one.look(3 * minute, { members: gone })).toBeUndefined();
    expect(withheld(one).at(-1)).toBe("limit");
    const called = one.decisions.filter(({ type }) => type === "personWanted");
    expect(called.map(({ text }) => text)).toEqual([
      "add a member in place of c, as c has not answered for 120 s: 1 within the last hour are the limit",
    ]);
    stepHealing(one.healing, { type: "acknowledged" });
    expect(one.look(4 * minute, { members: gone })).toBe("addLearner c");
    expect(one.look(65 * minute, { members: gone })).toBe("addLearner c");
  });

  it("calls a person when nobody leads for long, and for a witness", () => {
    const one = scene(3);
    one.look(0, { leader: null, members: three });
    one.look(4 * minute, { leader: null, members: three });
    expect(one.decisions.map(({ type }) => type)).toEqual(["weakened"]);
    one.look(5 * minute, { leader: null, members: three });
    expect(one.decisions.at(-1)).toMatchObject({
      type: "personWanted",
      reason: expect.stringContaining("nobody has led") as string,
    });
    const other = scene(3);
    const members = without(member("c", { ...dead, kind: "witness" }));
    other.look(0, { members });
    expect(other.look(minute, { members })).toBeUndefined();
    expect(other.decisions.at(-1)).toMatchObject({
      type: "personWanted",
      reason: expect.stringContaining("by hand") as string,
    });
  });

  it("places a new member where there are fewest, and a replacement where the old one was", () => {
    const zones = { desired: { voters: 3, zones: ["x", "y", "z"] } };
    const placed = (members: readonly ObservedMember[]): unknown => {
      const healing = createHealing(zones);
      const observation = { leader: "a", isSettled: true, members };
      stepHealing(healing, { type: "observed", atMs: 0, observation });
      return stepHealing(healing, { type: "observed", atMs: minute, observation }).order?.action;
    };
    expect(placed([member("a", { zone: "x" }), member("b", { zone: "z" })])).toMatchObject({ zone: "y" });
    expect(
      placed([member("a", { zone: "x" }), member("b", { zone: "y" }), member("c", { ...dead, zone: "y" })]),
    ).toMatchObject({ replaces: "c", zone: "y" });
  });

  it.each<[Partial<HealingOptions>, string]>([
    [{ desired: { voters: 0 } }, "healing.desired.voters must be an integer >= 1 and <= 99 (got 0)"],
    [{ deadForMs: -1 }, "healing.deadForMs must be a number >= 0 (got -1)"],
    [{ restartsPerHour: 0.5 }, "healing.restartsPerHour must be an integer >= 0 (got 0.5)"],
    [{ desired: { voters: 3, zones: [] } }, "healing.desired.zones must be a list of names (got an array of 0)"],
    [{ voters: 3 } as Partial<HealingOptions>, "healing.voters is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => createHealing({ desired: { voters: 3 }, ...options })).toThrow(message);
  });
});
