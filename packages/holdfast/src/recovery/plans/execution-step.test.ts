import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePlan } from "./compile-plan.ts";
import type { ExecutionEffect } from "./execution-draft.ts";
import { isOver, newExecution, type ExecutionState } from "./execution-state.ts";
import { dueAt, stepExecution, type ExecutionInput } from "./execution-step.ts";
import { ancestorsOf } from "./plan-graph.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { customExecutor, executorTable } from "./step-executor.ts";

const nothing = (): undefined => undefined;
const executors = executorTable([
  customExecutor("work", nothing, { rollback: nothing }),
  customExecutor("look", nothing, { changes: false }),
  customExecutor("once", nothing, { rollback: nothing, repeatable: false }),
]);
const limits = { graceMs: 1_000, maxInterruptions: 3 };

/** Steps that depend on earlier ones alone. */
const plans: fc.Arbitrary<Plan> = fc
  .array(
    fc.record({
      type: fc.constantFrom("work", "work", "look", "once", "approval"),
      needs: fc.array(fc.nat(9), { maxLength: 3 }),
      attempts: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .chain((rows) => {
    const steps = rows.map(({ type, needs, attempts }, at): PlanStep => {
      const earlier = [...new Set(needs.filter((need) => need < at))].map((need) => `s${need}`);
      const retry = type === "approval" ? {} : { retry: { attempts, baseDelay: "1s" } };
      return { id: `s${at}`, type, dependsOn: earlier, timeout: "10s", ...retry };
    });
    return fc.record({
      id: fc.constant("p"),
      timeout: fc.constantFrom("25s", "1h"),
      concurrency: fc.integer({ min: 1, max: 3 }),
      steps: fc.constant(steps),
    });
  });

type Choice =
  | "complete"
  | "fail"
  | "failForGood"
  | "wait"
  | "tick"
  | "cancel"
  | "approve"
  | "refuse"
  | "takeOver"
  | "stale";

const choices: fc.Arbitrary<readonly [Choice, number]> = fc.tuple(
  fc.constantFrom<Choice>(
    ...(["complete", "complete", "complete", "fail", "wait", "tick", "tick"] as const),
    ...(["failForGood", "cancel", "approve", "refuse", "takeOver", "stale"] as const),
  ),
  fc.nat(1_000),
);

/** Who runs what, as an orchestrator would know it. */
class Model {
  readonly running = new Map<string, ExecutionEffect & { readonly type: "run" }>();
  now = 1_000;
  state: ExecutionState;
  readonly plan: ReturnType<typeof compilePlan>;
  readonly undone: string[] = [];

  constructor(plan: Plan) {
    this.plan = compilePlan(plan, executors);
    this.state = newExecution("e", "p", this.plan.steps.keys(), {}, 0);
  }

  feed(input: ExecutionInput): void {
    const before = this.state;
    const { state, effects, facts } = stepExecution(this.plan, before, input, limits);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    if (state !== before) expect(state.sequence).toBe(before.sequence + 1);
    else expect([effects, facts]).toEqual([[], []]);
    // What has ended does not change any more, nor does what has completed.
    if (isOver(before.status)) expect(state).toBe(before);
    expect(state.completed.slice(0, before.completed.length)).toEqual(before.completed);
    this.state = state;
    for (const effect of effects) if (effect.type === "run") this.#check(effect);
    for (const [key, { side, step }] of this.running) {
      const all = side === "forward" ? state.steps : state.rollback;
      if (all[step]?.status !== "running") this.running.delete(key);
    }
    const forward = Object.values(state.steps).filter(({ status }) => status === "running");
    expect(forward.length).toBeLessThanOrEqual(this.plan.concurrency);
    expect(Object.values(state.rollback).filter(({ status }) => status === "running").length).toBeLessThanOrEqual(1);
    // Somebody acts, or a time comes, or a person is asked.
    const isAsked = Object.values(state.steps).some(({ status }) => status === "waiting");
    if (!isOver(state.status)) expect(this.running.size > 0 || isAsked || dueAt(state) < Infinity).toBe(true);
  }

  #check(effect: ExecutionEffect & { readonly type: "run" }): void {
    const { side, step, attempt } = effect;
    this.running.set(`${side}/${step}`, effect);
    const { state, plan } = this;
    expect(attempt).toBeLessThanOrEqual(plan.steps.get(step)!.retry.attempts);
    if (side === "forward") {
      expect(state.cause).toBeUndefined();
      expect(state.completed).not.toContain(step);
      for (const need of ancestorsOf(new Map([...plan.steps].map(([id, { dependsOn }]) => [id, dependsOn])), step)) {
        expect(state.completed).toContain(need);
      }
    } else {
      expect(state.completed).toContain(step);
      expect(Object.values(state.steps).some(({ status }) => status === "running")).toBe(false);
      if (this.undone.at(-1) !== step) this.undone.push(step);
    }
  }

  apply([choice, draw]: readonly [Choice, number]): void {
    const at = (this.now += draw);
    const all = [...this.running.values()];
    const one = all[draw % Math.max(1, all.length)];
    const error = { kind: "service", message: "down" } as const;
    const ended = { type: "ended", side: one?.side ?? "forward", step: one?.step ?? "s0", at } as const;
    const attempt = one?.attempt ?? 1;
    const waiting = Object.entries(this.state.steps).find(([, { status }]) => status === "waiting")?.[0] ?? "s0";
    switch (choice) {
      case "complete":
        return this.feed({ ...ended, attempt, outcome: { type: "completed" } });
      case "fail":
      case "failForGood": {
        const mayRetry = choice === "fail";
        return this.feed({ ...ended, attempt, outcome: { type: "failed", error, mayRetry, draw: draw / 1_001 } });
      }
      case "stale": {
        const stateOf = (): unknown => this.state[ended.side === "forward" ? "steps" : "rollback"][ended.step];
        const before = one && stateOf();
        this.feed({ ...ended, attempt: attempt - 1, outcome: { type: "completed" } });
        // The try that is over changes nothing about the one under way.
        if (one !== undefined) expect(stateOf()).toBe(before);
        return;
      }
      case "wait":
        this.now += 5_000;
        return;
      case "tick":
        this.now = Math.max(at, Math.min(dueAt(this.state), at + 100_000));
        return this.feed({ type: "tick", at: this.now, draw: draw / 1_001 });
      case "cancel":
        // Seldom, or nothing else would ever be seen.
        return draw % 4 === 0 ? this.feed({ type: "cancel", by: "ada", at }) : undefined;
      case "approve":
      case "refuse":
        return this.feed({
          type: "approve",
          step: waiting,
          approved: choice === "approve" || draw % 4 > 0,
          by: "ada",
          at,
        });
      case "takeOver":
        return this.feed({ type: "takeOver", by: "two", at, draw: draw / 1_001 });
    }
  }
}

describe("an execution", () => {
  it("ends, undoes exactly what completed in reverse order, and keeps its rules, whatever happens", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(plans, fc.array(choices, { maxLength: 60 }), (plan, given) => {
        const model = new Model(plan);
        model.feed({ type: "begin", at: model.now });
        for (const choice of given) model.apply(choice);
        // From here on all goes well, and it must end.
        for (let turn = 0; !isOver(model.state.status); turn++) {
          expect(turn).toBeLessThan(200);
          model.apply([(["complete", "approve", "tick"] as const)[turn % 3]!, 1]);
        }
        const { status, completed, cause, rollback, steps } = model.state;
        seen.set(status, (seen.get(status) ?? 0) + 1);
        expect(status === "completed").toBe(cause === undefined);
        if (status === "completed") expect(completed.toSorted()).toEqual(Object.keys(steps).toSorted());
        else {
          const toUndo = completed.filter((id) => model.plan.steps.get(id)!.undo !== undefined).toReversed();
          expect(model.undone).toEqual(toUndo);
          expect(Object.keys(rollback).toSorted()).toEqual(toUndo.toSorted());
          if (toUndo.length > 2) seen.set("undone", (seen.get("undone") ?? 0) + 1);
        }
        for (const { status: each } of [...Object.values(steps), ...Object.values(rollback)]) {
          expect(["completed", "failed", "cancelled", "skipped"]).toContain(each);
        }
        if (Object.values(steps).some(({ inDoubt }) => inDoubt === true))
          seen.set("inDoubt", (seen.get("inDoubt") ?? 0) + 1);
      }),
      { numRuns: 300, seed: 11 },
    );
    for (const kind of ["completed", "failed", "cancelled", "undone", "inDoubt"]) {
      expect([kind, seen.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((count: number) => count >= 5)]);
    }
  });
});
