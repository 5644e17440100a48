import { describe, expect, it } from "vitest";
import { checkScenario } from "./check-scenario.ts";
import { checkRules } from "./drill-rule.ts";
import { defaultDrillTimeouts } from "./drill-scenario.ts";
import { judgeFindings, worstVerdict } from "./drill-verdict.ts";
import { readDuration } from "./duration.ts";

describe("checkScenario", () => {
  it("reads what people write, and fills in the rest", () => {
    const scenario = checkScenario({
      name: "cut",
      stage: { kind: "cluster", nodes: 5 },
      load: { for: "1m", rate: 100 },
      faults: [
        { kind: "partition", target: "leader", after: "1.5s", for: 250, shape: "isolate" },
        { id: "last", kind: "kill", targets: ["n1", "n2"] },
      ],
      timeouts: { settle: "2m" },
      expect: ["linearizable", "worstGapMs < 5000", "!broken"],
    });
    expect(scenario).toEqual({
      name: "cut",
      summary: "",
      stage: { kind: "cluster", nodes: 5 },
      rounds: 1,
      load: { forMs: 60_000, clients: 8, ratePerSecond: 100 },
      faults: [
        {
          id: "partition-1",
          kind: "partition",
          targets: "leader",
          afterMs: 1500,
          forMs: 250,
          parameters: { shape: "isolate" },
        },
        { id: "last", kind: "kill", targets: ["n1", "n2"], afterMs: 0, forMs: undefined, parameters: {} },
      ],
      steadyState: [],
      abortUnless: [],
      invariants: [],
      expect: ["linearizable", "worstGapMs < 5000", "!broken"],
      timeouts: { ...defaultDrillTimeouts, settleMs: 120_000 },
    });
  });

  const fault = { kind: "kill", target: "leader" };
  it.each([
    [[], "scenario must be an object (got an array of 0)"],
    [{ name: "a b" }, 'name must be 1 to 64 letters, digits, _, . and - (got "a b")'],
    [{ name: "a", load: { fro: 1 } }, "load.fro is no option; there are for, clients, rate (got 1)"],
    [{ name: "a", rounds: 0 }, "rounds must be an integer >= 1 and <= 1000 (got 0)"],
    [{ name: "a", faults: {} }, "faults must be a list of at most 1000 (got an object)"],
    [{ name: "a", faults: [{ target: "x" }] }, "faults[0].kind must be a name (got undefined)"],
    [
      { name: "a", faults: [fault, { ...fault, after: "abc" }] },
      'faults[1].after must be a duration like 500ms, 2s or 1m (got "abc")',
    ],
    [{ name: "a", faults: [{ kind: "kill" }] }, "faults[0].targets must be a name or a list of names (got undefined)"],
    [
      { name: "a", faults: [{ kind: "kill", target: [] }] },
      "faults[0].target must be a name or a list of names (got an array of 0)",
    ],
    [
      { name: "a", faults: [{ ...fault, targets: "all" }] },
      'faults[0].target must not be given with targets (got "leader")',
    ],
    [
      {
        name: "a",
        faults: [
          { ...fault, id: "x" },
          { ...fault, id: "x" },
        ],
      },
      'faults[1].id must be unique (got "x")',
    ],
    [
      { name: "a", faults: [{ ...fault, set: {} }] },
      "faults[0].set must be a number, text, true or false (got an object)",
    ],
    [
      { name: "a", expect: ["p99Ms <"] },
      'expect[0] must be a rule like p99Ms < 50, or the name of what must be true (got "p99Ms <")',
    ],
    [
      { name: "a", timeouts: { settle: 0 } },
      "timeouts.settle must be a duration of at least 1 ms like 500ms, 2s or 1m (got 0)",
    ],
  ])("refuses %j", (value, message) => {
    expect(() => checkScenario(value)).toThrow(message);
  });
});

it.each([
  ["250ms", 250],
  ["1.5s", 1500],
  ["2m", 120_000],
  ["1h", 3_600_000],
  [0, 0],
])("a duration of %s is %s ms", (text, ms) => {
  expect(readDuration("after", text)).toBe(ms);
});

it.each(["5", "s", "-1s", "25h", -1, NaN, null])("%s is no duration", (text) => {
  expect(() => readDuration("after", text)).toThrow("after must be a duration");
});

it("judges rules by what was measured; what was not is in doubt", () => {
  const measures = { p99Ms: 70, fine: true, late: false, none: null, list: [1, 2] };
  expect(
    checkRules(measures, ["p99Ms < 50", "fine", "!late", "late", "none == 0", "list == 1", "toString == 1"]),
  ).toEqual([
    { rule: "p99Ms < 50", actual: 70, holds: false },
    { rule: "fine", actual: true, holds: true },
    { rule: "!late", actual: false, holds: true },
    { rule: "late", actual: false, holds: false },
    { rule: "none == 0", actual: null, holds: null },
    { rule: "list == 1", actual: null, holds: null },
    { rule: "toString == 1", actual: null, holds: null },
  ]);
});

it("what is broken outranks what proves nothing, that what failed, and that what was late", () => {
  const all = (["timeout", "failed", "inconclusive", "broken"] as const).map((kind) => ({ kind, message: kind }));
  const verdicts = [4, 3, 2, 1, 0].map((length) => judgeFindings(all.slice(0, length)));
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(["failed", "inconclusive", "failed", "timeout", "passed"]);
  expect(verdicts.map(({ reason }) => reason)).toEqual(["broken", "inconclusive", "failed", "timeout", ""]);
  expect(worstVerdict(["passed", "inconclusive", "timeout"])).toBe("timeout");
  expect(worstVerdict([])).toBe("passed");
});
