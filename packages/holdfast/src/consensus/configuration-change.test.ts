import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkChanges,
  enterJoint,
  leaveJoint,
  simple,
  simpleOrJoint,
  type Changed,
  type ConfigurationChange,
} from "./configuration-change.ts";
import { decodeConfiguration, encodeConfiguration } from "./configuration-codec.ts";
import { brokenRule, configurationOf, emptyConfiguration, membersOf, type Configuration } from "./configuration.ts";
import { committedIndex } from "./quorum/majority.ts";

const three = configurationOf([1, 2, 3]);
const withLearner = { ...three, learners: [4] };
const withWitness = { ...three, witnesses: [3] };

function changed(result: Changed): Configuration {
  if ("refused" in result) throw new Error(result.refused);
  return result.configuration;
}

describe("a simple change", () => {
  it.each<[string, Configuration, ConfigurationChange[], Partial<Configuration>]>([
    ["adds a voter", three, [{ type: "addVoter", id: 4 }], { voters: [1, 2, 3, 4] }],
    ["adds a witness", three, [{ type: "addWitness", id: 4 }], { voters: [1, 2, 3, 4], witnesses: [4] }],
    [
      "adds learners",
      three,
      [
        { type: "addLearner", id: 5, address: "e:1" },
        { type: "addLearner", id: 4 },
      ],
      { learners: [4, 5], addresses: new Map([[5, "e:1"]]) },
    ],
    ["promotes", withLearner, [{ type: "promote", id: 4 }], { voters: [1, 2, 3, 4], learners: [] }],
    ["demotes", three, [{ type: "demote", id: 2 }], { voters: [1, 3], learners: [2] }],
    ["removes a voter", three, [{ type: "remove", id: 2 }], { voters: [1, 3] }],
    ["removes a learner", withLearner, [{ type: "remove", id: 4 }], { learners: [] }],
    ["removes a witness", withWitness, [{ type: "remove", id: 3 }], { voters: [1, 2], witnesses: [] }],
    [
      "adds one that was a witness for a moment only, and never in a configuration",
      three,
      [
        { type: "addWitness", id: 4 },
        { type: "remove", id: 4 },
        { type: "addVoter", id: 4 },
      ],
      { voters: [1, 2, 3, 4], witnesses: [] },
    ],
    ["moves a member", three, [{ type: "updateAddress", id: 2, address: "b:1" }], { addresses: new Map([[2, "b:1"]]) }],
  ])("%s", (_, before, changes, after) => {
    expect(changed(simple(before, changes))).toEqual({ ...before, ...after });
  });

  it("forgets where a removed member was", () => {
    const placed = configurationOf([1, 2], new Map([[2, "b:1"]]));
    expect(changed(simple(placed, [{ type: "remove", id: 2 }]))).toEqual(configurationOf([1]));
  });

  it.each<[string, Configuration, ConfigurationChange[]]>([
    ["TOO_MANY_CHANGES", three, [4, 5].map((id) => ({ type: "addVoter", id }))],
    [
      "TOO_MANY_CHANGES",
      withLearner,
      [
        { type: "promote", id: 4 },
        { type: "remove", id: 1 },
      ],
    ],
    ["MEMBER_EXISTS", three, [{ type: "addVoter", id: 3 }]],
    ["MEMBER_EXISTS", withLearner, [{ type: "addVoter", id: 4 }]],
    ["MEMBER_EXISTS", withLearner, [{ type: "addLearner", id: 1 }]],
    // The id of a member that goes would stand for two.
    [
      "MEMBER_EXISTS",
      withWitness,
      [
        { type: "remove", id: 3 },
        { type: "addVoter", id: 3 },
      ],
    ],
    ["UNKNOWN_MEMBER", three, [{ type: "remove", id: 9 }]],
    ["UNKNOWN_MEMBER", three, [{ type: "promote", id: 9 }]],
    ["UNKNOWN_MEMBER", three, [{ type: "demote", id: 9 }]],
    ["UNKNOWN_MEMBER", three, [{ type: "updateAddress", id: 9, address: "" }]],
    ["NOT_LEARNER", three, [{ type: "promote", id: 1 }]],
    ["NOT_VOTER", withLearner, [{ type: "demote", id: 4 }]],
    ["NOT_VOTER", withWitness, [{ type: "demote", id: 3 }]],
    ["NO_VOTERS", configurationOf([1]), [{ type: "remove", id: 1 }]],
    ["TOO_MANY_WITNESSES", { ...configurationOf([1, 2]), witnesses: [2] }, [{ type: "remove", id: 1 }]],
    [
      "TOO_MANY_WITNESSES",
      withWitness,
      [
        { type: "addWitness", id: 4 },
        { type: "remove", id: 1 },
      ],
    ],
    ["NO_CHANGE", three, []],
    [
      "NO_CHANGE",
      three,
      [
        { type: "addLearner", id: 4 },
        { type: "remove", id: 4 },
      ],
    ],
    ["NO_CHANGE", configurationOf([1], new Map([[1, "a:1"]])), [{ type: "updateAddress", id: 1, address: "a:1" }]],
  ])("is refused: %s", (refused, before, changes) => {
    expect(simple(before, changes)).toEqual({ refused });
  });

  it("is refused during a joint change", () => {
    const joint = changed(enterJoint(three, [{ type: "remove", id: 1 }], { autoLeave: true }));
    expect(simple(joint, [{ type: "addVoter", id: 4 }])).toEqual({ refused: "JOINT" });
    expect(enterJoint(joint, [{ type: "addVoter", id: 4 }], { autoLeave: true })).toEqual({ refused: "JOINT" });
    expect(leaveJoint(three)).toEqual({ refused: "NOT_JOINT" });
  });
});

describe("a joint change", () => {
  const changes: ConfigurationChange[] = [
    { type: "addVoter", id: 5, address: "e:1" },
    { type: "promote", id: 4 },
    { type: "demote", id: 1 },
    { type: "remove", id: 2 },
  ];
  const before = { ...withLearner, addresses: new Map([[2, "b:1"]]) };

  it("keeps the old voters until it is left, and what is to be learners voting", () => {
    const joint = changed(enterJoint(before, changes, { autoLeave: true }));
    expect(joint).toEqual({
      voters: [3, 4, 5],
      votersOutgoing: [1, 2, 3],
      learners: [],
      learnersNext: [1],
      witnesses: [],
      autoLeave: true,
      addresses: new Map([
        [2, "b:1"],
        [5, "e:1"],
      ]),
    });
    expect(changed(leaveJoint(joint))).toEqual({
      ...emptyConfiguration,
      voters: [3, 4, 5],
      learners: [1],
      addresses: new Map([[5, "e:1"]]),
    });
  });

  it("keeps a witness that goes a witness until it has gone", () => {
    const joint = changed(enterJoint(withWitness, [{ type: "remove", id: 3 }], { autoLeave: false }));
    expect(joint.witnesses).toEqual([3]);
    expect(changed(leaveJoint(joint)).witnesses).toEqual([]);
  });

  it("is chosen when one step would not be safe", () => {
    expect(changed(simpleOrJoint(three, [{ type: "addVoter", id: 4 }])).votersOutgoing).toEqual([]);
    const joint = changed(simpleOrJoint(before, changes));
    expect([joint.votersOutgoing, joint.autoLeave]).toEqual([[1, 2, 3], true]);
    expect(simpleOrJoint(three, [{ type: "remove", id: 9 }])).toEqual({ refused: "UNKNOWN_MEMBER" });
  });
});

describe("any changes", () => {
  const change = record({
    type: constantFrom("addVoter", "addLearner", "addWitness", "promote", "demote", "remove", "updateAddress"),
    id: integer({ min: 1, max: 9 }),
    address: constantFrom("a:1", "b:1"),
  }).map((drawn) => drawn as ConfigurationChange);
  const batches = array(array(change, { minLength: 1, maxLength: 3 }), { minLength: 10, maxLength: 30 });

  /** Every configuration that a run of changes goes through. */
  function history(drawn: readonly (readonly ConfigurationChange[])[]): Configuration[] {
    const seen: Configuration[] = [configurationOf([1, 2, 3])];
    for (const changes of drawn) {
      const next = simpleOrJoint(seen.at(-1)!, changes);
      if ("refused" in next) continue;
      seen.push(next.configuration);
      const left = leaveJoint(next.configuration);
      if ("configuration" in left) seen.push(left.configuration);
    }
    return seen;
  }

  /** Whether every quorum of one shares a member with every quorum of the other. */
  function overlap(one: Configuration, other: Configuration): boolean {
    const ids = membersOf({ ...one, learners: [...one.learners, ...membersOf(other)] });
    const decides = ({ voters, votersOutgoing }: Configuration, set: ReadonlySet<number>): boolean =>
      [voters, votersOutgoing].every((half) => committedIndex(half, (id) => (set.has(id) ? 1 : 0)) > 0);
    for (let bits = 0; bits < 2 ** ids.length; bits++) {
      const set = new Set(ids.filter((_, at) => (bits >> at) & 1));
      const rest = new Set(ids.filter((id) => !set.has(id)));
      if (decides(one, set) && decides(other, rest)) return false;
    }
    return true;
  }

  it("lead from one whole configuration to the next, whose quorums overlap with its own", () => {
    let joint = 0;
    assert(
      property(batches, (drawn) => {
        const seen = history(drawn);
        for (const [at, configuration] of seen.entries()) {
          expect(brokenRule(configuration)).toBeUndefined();
          if (configuration.votersOutgoing.length > 0) joint++;
          if (at > 0) expect(overlap(seen[at - 1]!, configuration)).toBe(true);
        }
      }),
    );
    expect(joint).toBeGreaterThan(20);
  });

  it("survive writing and reading, and nothing that breaks a rule is read", () => {
    assert(
      property(batches, (drawn) => {
        for (const configuration of history(drawn)) {
          expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
        }
      }),
    );
    for (const broken of [
      { ...three, voters: [2, 1] },
      { ...three, voters: [0, 1] },
      { ...three, learners: [3] },
      { ...three, witnesses: [9] },
      { ...three, witnesses: [1, 2, 3] },
      { ...three, learnersNext: [1] },
      { ...three, autoLeave: true },
      { ...emptyConfiguration, learners: [1] },
      { ...three, addresses: new Map([[9, "i:1"]]) },
    ]) {
      expect(() => decodeConfiguration(encodeConfiguration(broken))).toThrow("breaks a rule");
    }
  });

  it.each<[ConfigurationChange, string]>([
    [{ type: "remove", id: 0 }, "changes[0].id must be a safe integer >= 1 (got 0)"],
    [{ type: "remove", id: 1.5 }, "changes[0].id must be a safe integer >= 1 (got 1.5)"],
    [
      { type: "updateAddress", id: 1, address: "x".repeat(256) },
      "changes[0].address must be at most 255 long (got 256)",
    ],
  ])("that can never be are refused at once: %j", (impossible, message) => {
    expect(() => checkChanges([impossible])).toThrow(message);
  });
});
