import { describe, expect, it } from "vitest";
import { compilePlan } from "./compile-plan.ts";
import { PlanError } from "./plan-error.ts";
import { customExecutor, executorTable } from "./step-executor.ts";

const nothing = (): undefined => undefined;
const executors = executorTable([
  customExecutor("restore", nothing, {
    parameters: { file: { type: "text", required: true }, speed: { type: "number" }, within: { type: "duration" } },
    outputs: ["rows"],
  }),
  customExecutor("restart", nothing, { rollback: nothing }),
  customExecutor("look", nothing, { changes: false }),
]);

const look = { id: "look", type: "look" };

function problemsOf(document: unknown): string[] {
  try {
    compilePlan(document, executors);
    return [];
  } catch (error) {
    if (!PlanError.is(error)) throw error;
    expect(error.code).toBe("PLAN_INVALID");
    return error.problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  }
}

const plan = (steps: unknown, more: object = {}): unknown => ({ id: "p", steps, ...more });
const restore = (more: object = {}): object => ({
  id: "r",
  type: "restore",
  parameters: { file: "f" },
  rollback: "none",
  ...more,
});

describe("a plan", () => {
  const names = "must be 1 to 64 letters, digits, _, . and -";
  const unit = "must be a duration with a unit like 500ms, 30s, 5m or 1h, of at most 720h";

  it.each<[string, unknown, string[]]>([
    ["that is none", 7, ["must be an object (got 7)"]],
    ["without anything", {}, ["id: is missing", "steps: is missing"]],
    ["without steps", plan([]), ["steps: must be a list of 1 to 200 (got a list of 0)"]],
    [
      "with an unknown field",
      plan([look], { timeoutMs: 5 }),
      [
        "timeoutMs: is no field; there are id, name, description, parameters, timeout, concurrency, steps, rollbackSteps",
      ],
    ],
    ["with a bad name", plan([{ ...look, id: "a b" }]), [`steps[0].id: ${names} (got "a b")`]],
    ["with a number for a duration", plan([{ ...look, timeout: 30 }]), [`steps[0].timeout: ${unit} (got 30)`]],
    ["with a wrong unit", plan([{ ...look, timeout: "30 parsecs" }]), [`steps[0].timeout: ${unit} (got "30 parsecs")`]],
    ["with no time at all", plan([look], { timeout: "0s" }), [`timeout: ${unit} (got "0s")`]],
    ["with too much time", plan([look], { timeout: "721h" }), [`timeout: ${unit} (got "721h")`]],
    [
      "with a wrong unit in a retry",
      plan([{ ...look, retry: { baseDelay: "1 s" } }]),
      [`steps[0].retry.baseDelay: ${unit} (got "1 s")`],
    ],
    [
      "with no tries",
      plan([{ ...look, retry: { attempts: 0 } }]),
      ["steps[0].retry.attempts: must be an integer >= 1 and <= 100 (got 0)"],
    ],
    [
      "with an unknown step",
      plan([look, { ...look, id: "b" }, { ...look, id: "c", dependsOn: ["dbrestore"] }]),
      ['steps[2].dependsOn[0]: unknown step "dbrestore"'],
    ],
    ["with a step named twice", plan([look, look]), ['steps[1].id: "look" is taken by another step']],
    [
      "with a cycle",
      plan([
        { ...look, id: "a", dependsOn: ["c"] },
        { ...look, id: "b", dependsOn: ["a"] },
        { ...look, id: "c", dependsOn: ["b"] },
      ]),
      ["steps[0].dependsOn[0]: a cycle: a → c → b → a"],
    ],
    [
      "that waits for itself",
      plan([{ ...look, dependsOn: ["look"] }]),
      ["steps[0].dependsOn[0]: a cycle: look → look"],
    ],
    [
      "with an unknown executor",
      plan([{ id: "x", type: "teleport", rollback: "none" }]),
      ['steps[0].type: no executor for "teleport"; there are restore, restart, look, approval'],
    ],
    [
      "with an unknown parameter",
      plan([restore({ parameters: { file: "f", sped: 1 } })]),
      ["steps[0].parameters.sped: unknown parameter; there are file, speed, within"],
    ],
    ["with a parameter missing", plan([restore({ parameters: {} })]), ["steps[0].parameters.file: is missing"]],
    [
      "with a parameter of another type",
      plan([restore({ parameters: { file: 7, within: "2 weeks" } })]),
      [
        "steps[0].parameters.file: must be text (got 7)",
        'steps[0].parameters.within: must be a duration with a unit like 500ms, 30s, 5m or 1h (got "2 weeks")',
      ],
    ],
    [
      "without a rollback",
      plan([restore({ rollback: undefined })]),
      ["steps[0].rollback: is missing: name the rollback step that undoes it, or none"],
    ],
    [
      "with a rollback that is not there",
      plan([restore({ rollback: "drop" })]),
      ['steps[0].rollback: unknown rollback step "drop"'],
    ],
    [
      "with a rollback that nobody needs",
      plan([look], { rollbackSteps: [{ id: "undo", type: "look" }] }),
      ['rollbackSteps[0]: no step names "undo" as its rollback'],
    ],
    [
      "with one rollback for two",
      plan([restore({ rollback: "u" }), restore({ id: "s", rollback: "u" })], {
        rollbackSteps: [{ id: "u", type: "look" }],
      }),
      ['steps[1].rollback: "u" undoes step "r" already'],
    ],
    [
      "with a rollback that waits",
      plan([restore({ rollback: "u" })], { rollbackSteps: [{ id: "u", type: "approval" }] }),
      ["rollbackSteps[0].type: a rollback waits for nobody"],
    ],
    [
      "with an unknown reference",
      plan([restore({ parameters: { file: "${parameters.flie}" } })]),
      ['steps[0].parameters.file: unknown parameter "flie" in "${parameters.flie}"'],
    ],
    [
      "with a reference to no step",
      plan([restore({ parameters: { file: "x ${steps.dump.output}" } })]),
      ['steps[0].parameters.file: unknown step "dump" in "${steps.dump.output}"'],
    ],
    [
      "with a reference to what may come later",
      plan([look, restore({ parameters: { file: "${steps.look.output.x}" } })]),
      ['steps[1].parameters.file: "${steps.look.output.x}" is not there yet: step "r" does not depend on "look"'],
    ],
    [
      "with a reference to no field",
      plan([restore(), { ...look, dependsOn: ["r"], parameters: { n: { m: ["${steps.r.output.row}"] } } }]),
      ['steps[1].parameters.n.m[0]: unknown field "row" in "${steps.r.output.row}"; there are rows'],
    ],
    [
      "with a reference written wrongly",
      plan([restore({ parameters: { file: "${file}", speed: "${parameters." } })]),
      [
        'steps[0].parameters.file: "${file}" is no reference; write ${parameters.NAME} or ${steps.ID.output.FIELD}',
        'steps[0].parameters.speed: "${parameters." is no reference; write ${parameters.NAME} or ${steps.ID.output.FIELD}',
      ],
    ],
    [
      "with a default of another type",
      plan([look], { parameters: { n: { type: "number", default: "1" } } }),
      ['parameters.n.default: must be a number (got "1")'],
    ],
    [
      "with what JSON cannot say",
      plan([{ ...look, parameters: { when: new Date(0), n: Number.NaN } }]),
      [
        "steps[0].parameters.when: must be what JSON can say (got an object)",
        "steps[0].parameters.n: must be what JSON can say (got NaN)",
      ],
    ],
    [
      "with an approval that is tried again",
      plan([{ id: "ok", type: "approval", retry: { attempts: 2 } }]),
      ["steps[0].retry: an approval is not tried again"],
    ],
  ])("%s is refused with the place", (_, document, problems) => {
    expect(problemsOf(document)).toEqual(problems);
  });

  it("is refused with everything that is wrong at once, the first thing in the message", () => {
    const bad = plan([restore({ parameters: {}, rollback: "x", dependsOn: ["y"] })]);
    expect(problemsOf(bad)).toHaveLength(3);
    expect(() => compilePlan(bad, executors)).toThrow(
      'the plan is not valid: steps[0].dependsOn[0]: unknown step "y" (and 2 more)',
    );
  });

  it("is refused when it is too large", () => {
    expect(problemsOf(plan([restore({ parameters: { file: "x".repeat(300_000) } })]))).toEqual([
      expect.stringMatching(/^the plan must not be larger than 262144 bytes \(got 3000\d\d\)$/),
    ]);
  });

  it("is read with its defaults, its waves and what undoes each", () => {
    const compiled = compilePlan(
      plan(
        [
          restore({ rollback: "drop", timeout: "1.5m" }),
          { id: "s", type: "restart", dependsOn: ["r"], retry: { attempts: 4, baseDelay: "250ms", maxDelay: "2s" } },
          { ...look, dependsOn: ["r"] },
          { id: "ok", type: "approval", dependsOn: ["s", "look"] },
        ],
        { rollbackSteps: [{ id: "drop", type: "look", parameters: { rows: "${steps.r.output.rows}" } }] },
      ),
      executors,
    );
    expect(compiled).toMatchObject({ timeoutMs: 3_600_000, concurrency: 4, waves: [["r"], ["s", "look"], ["ok"]] });
    expect(compiled.steps.get("r")).toMatchObject({
      timeoutMs: 90_000,
      retry: { attempts: 1 },
      undo: { id: "drop", by: "step" },
    });
    expect(compiled.steps.get("s")).toMatchObject({
      timeoutMs: 600_000,
      retry: { attempts: 4, baseDelayMs: 250, multiplier: 2, maxDelayMs: 2_000 },
      undo: { id: "s", by: "executor" },
    });
    expect(compiled.steps.get("look")!.undo).toBeUndefined();
    expect(compiled.steps.get("ok")!.timeoutMs).toBe(Infinity);
  });

  it("does not change when the document does", () => {
    const document = { id: "p", steps: [{ id: "look", type: "look", timeout: "1s" }] };
    const compiled = compilePlan(document, executors);
    document.steps[0]!.id = "other";
    expect(compiled.document.steps[0]!.id).toBe("look");
  });
});
