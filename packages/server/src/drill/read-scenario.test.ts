import { describe, expect, it } from "vitest";
import { drills } from "./catalog.ts";
import { readScenario } from "./read-scenario.ts";
import { strikeKinds } from "./strikes/strike-kinds.ts";
import { checkMembers, chooseMembers } from "./struck-members.ts";
import { countDiverged } from "./replica-comparison.ts";

const written = `
name: cut-off
stage: { kind: cluster, nodes: 5 }
faults:
  - kind: partition
    target: leader
    after: 1s
    for: 3s
  - kind: kill
    target: follower
    after: soon
`;

describe("a drill in YAML", () => {
  it("is read as a scenario", () => {
    const { scenario } = readScenario(written.replace("soon", "2s"), "cut.yaml");
    expect(scenario.stage).toEqual({ kind: "cluster", nodes: 5 });
    expect(scenario.faults.map(({ id, afterMs, forMs }) => [id, afterMs, forMs])).toEqual([
      ["partition-1", 1000, 3000],
      ["kill-2", 2000, undefined],
    ]);
  });

  it.each([
    [written, 'cut.yaml:11:12: faults[1].after must be a duration like 500ms, 2s or 1m (got "soon")'],
    [
      written.replace("name: cut-off", "name: [a]"),
      "cut.yaml:2:7: name must be 1 to 64 letters, digits, _, . and - (got an array of 1)",
    ],
    [
      `${written.replace("soon", "1s")}rounds: many`,
      'cut.yaml:12:9: rounds must be an integer >= 1 and <= 1000 (got "many")',
    ],
    [`${written.replace("soon", "1s")}repeat: 2`, "cut.yaml:12:9: scenario.repeat is no option"],
    ["name: a\nname: b", /^cut\.yaml:2:1: Map keys must be unique/],
    ["name: [a", /^cut\.yaml:1:9: /],
    ["", "cut.yaml:1:1: scenario must be an object (got null)"],
  ])("is refused with its place: %#", (text, message) => {
    expect(() => readScenario(text, "cut.yaml")).toThrow(message);
  });
});

describe("the drills that are built in", () => {
  it("have names of their own", () => {
    expect(new Set(drills.map(({ name }) => name)).size).toBe(drills.length);
  });

  const onClusters = drills.filter(({ stage }) => stage["kind"] === "cluster");

  it.each(onClusters.map((drill) => [drill.name, drill] as const))("%s has faults that a cluster knows", (_, drill) => {
    expect(drill.summary).not.toBe("");
    expect(drill.invariants.length + drill.expect.length).toBeGreaterThan(0);
    for (const fault of drill.faults) {
      expect(Object.keys(strikeKinds)).toContain(fault.kind);
      expect(() => strikeKinds[fault.kind]?.check(fault.parameters, "fault")).not.toThrow();
      const own = strikeKinds[fault.kind]?.targets;
      if (own !== undefined) expect(own).toContain(fault.targets);
      else expect(() => checkMembers("fault", fault.targets, ["n1", "n2", "n3"])).not.toThrow();
    }
  });
});

it.each([
  [
    "partition",
    { shape: "round" },
    'faults[0].shape must be "isolate" or "outbound" or "inbound" or "bridge" (got "round")',
  ],
  ["kill", { hard: true }, "faults[0].hard is no option"],
  ["delay", {}, "faults[0].delayMs must be a number"],
  ["loss", { share: 2 }, "faults[0].share must be a number >= 0 and <= 1 (got 2)"],
  ["slowDisk", { extraMs: 0 }, "faults[0].extraMs must not be 0"],
  ["slowDisk", { path: "/" }, "faults[0].path is a member's own data, and is not given"],
  ["failingDisk", { of: "some" }, 'faults[0].of must be "write" or "read" or "sync" or "all" (got "some")'],
  ["partition", { lost: 1 }, "faults[0].lost must be true or false (got 1)"],
  ["orchestratorKill", { steps: 0 }, "faults[0].steps must be an integer >= 1"],
  ["orchestratorKill", { fails: "yes" }, 'faults[0].fails must be true or false (got "yes")'],
  ["overload", { rate: "all" }, 'faults[0].rate must be a number >= 1 and <= 1000000 (got "all")'],
])("%s refuses %j", (kind, parameters, message) => {
  expect(() => strikeKinds[kind]?.check(parameters, "faults[0]")).toThrow(message);
});

describe("targets", () => {
  const five = ["n1", "n2", "n3", "n4", "n5"];
  const random = { next: () => 0.99 };

  it.each([
    ["leader", ["n2"]],
    ["follower", ["n5"]],
    ["followers", ["n1", "n3", "n4", "n5"]],
    ["one", ["n5"]],
    ["minority", ["n2", "n1"]],
    ["half", ["n2", "n1", "n3"]],
    ["majority", ["n2", "n1", "n3"]],
    ["all", five],
    ["n4", ["n4"]],
    [
      ["n1", "n5"],
      ["n1", "n5"],
    ],
  ])("%s", (targets, expected) => {
    checkMembers("fault", targets, five);
    expect(chooseMembers(targets, "n2", five, random)).toEqual(expected);
  });

  it.each([["n6"], [["leader"]], [["n1", "n1"]], ["nobody"]])("%j is refused", (targets) => {
    expect(() => checkMembers("faults[0]", targets, five)).toThrow(/^faults\[0\]\.target must be /);
  });
});

it("counts keys that members hold differently, or only some of them", () => {
  const replica = (text: string): Map<string, string> =>
    new Map(text.split(" ").map((pair) => pair.split("=") as [string, string]));
  expect(countDiverged([replica("a=1 b=2"), replica("b=2 a=1")])).toBe(0);
  expect(countDiverged([replica("a=1 b=2"), replica("a=1 b=3"), replica("a=1")])).toBe(1);
});
