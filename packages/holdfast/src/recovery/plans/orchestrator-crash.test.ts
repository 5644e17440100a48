import { describe, expect, it } from "vitest";
import { CoordinationError, type Coordination } from "../../coordination/index.ts";
import { PlanKeys } from "./execution-keys.ts";
import { decodeRecord } from "./execution-record.ts";
import type { Plan } from "./plan.ts";
import type { ExecutionReport } from "./plan-desk.ts";
import type { StepContext } from "./step-executor.ts";
import { MortalCoordination, type Death } from "./testing/mortal-coordination.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";
import type { Deed } from "./testing/step-world.ts";

const branches: Plan = {
  id: "branches",
  concurrency: 2,
  steps: [
    { id: "a", type: "work", retry: { attempts: 2, baseDelay: "1s" } },
    { id: "b", type: "work", dependsOn: ["a"] },
    { id: "c", type: "work", dependsOn: ["a"], rollback: "undo-c" },
    { id: "d", type: "work", dependsOn: ["b", "c"], parameters: { say: "${steps.b.output.by}" } },
  ],
  rollbackSteps: [{ id: "undo-c", type: "undo-work", parameters: { say: "${steps.c.output.by}" } }],
};

/** As it ends, without what a crash may change: times, and how often a step was interrupted. */
function outcomeOf({ status, cause, steps, rollback, completed, outputs, notUndone }: ExecutionReport): unknown {
  const brief = (all: ExecutionReport["steps"]): unknown =>
    Object.fromEntries(
      Object.entries(all).map(([id, { status, attempts, error }]) => [id, { status, attempts, error }]),
    );
  return {
    status,
    cause,
    steps: brief(steps),
    rollback: brief(rollback),
    completed: completed.toSorted(),
    outputs,
    notUndone,
  };
}

/** What speaks against a try that begins now; asked at this very moment. */
async function whyNot(scene: OrchestratorScene, what: Deed["what"], context: StepContext): Promise<string | undefined> {
  const keys = new PlanKeys("recovery/").execution(context.executionId);
  const [state, owner] = await Promise.all([
    scene.member.range({ key: keys.state }),
    scene.member.range({ key: keys.owner }),
  ]);
  const step = context.idempotencyKey.split("/")[1]!;
  const recorded = decodeRecord(state.pairs[0]!.value).state;
  const { status, attempts } = (what === "do" ? recorded.steps : recorded.rollback)[step]!;
  if (status !== "running" || attempts !== context.attempt) return `${what} ${step} begins, and is not recorded`;
  if (owner.pairs[0]?.createRevision === context.fencingToken) return undefined;
  return `${what} ${step} begins in the hands of one who is not the owner`;
}

interface Run {
  readonly outcome: unknown;
  readonly deeds: readonly Deed[];
  readonly asked: number;
  readonly died: boolean;
  readonly late: number;
  readonly history: readonly string[];
  readonly report: ExecutionReport;
}

/** Runs the plan with three orchestrators, of which the first dies (or stands still for a while) at one request. */
async function run(fails: string | undefined, death: Death | undefined, fate: "dies" | "standsStill"): Promise<Run> {
  const scene = new OrchestratorScene();
  scene.world.failures.set("a", 1);
  scene.world.durations.set("b", 150);
  if (fails !== undefined) scene.world.failures.set(fails, 1);
  const line = new MortalCoordination(scene.member, death);
  const isGone = (): boolean => fate === "dies" && !line.alive;
  const violations: Promise<string | undefined>[] = [];
  scene.world.onBegin = (what, context) => violations.push(whyNot(scene, what, context));
  const first = scene.orchestrator("first", {
    coordination: line.coordination,
    executors: scene.world.executors(() => !isGone()),
  });
  first.register(branches);
  await scene.clock.advance(10);
  const started = first.execute("branches", { id: "e" }).catch(() => undefined);
  await scene.clock.advance(30);
  const others = ["second", "third"].map((name) => scene.orchestrator(name));
  for (const other of others) other.register(branches);
  await scene.clock.advance(0);
  // Whoever wants it done asks again where it had no answer: one name, one execution.
  if (death !== undefined && !line.alive) await scene.until(others[0]!.execute("branches", { id: "e" }));
  const report = await scene.until(others[1]!.finished("e"), 200);
  const died = death !== undefined && !line.alive;
  const recorded = scene.world.deeds.length;
  // The one that stood still goes on now, with what it had in hand.
  line.resume();
  await scene.clock.advance(10_000);
  await started;
  const after = await scene.until(others[1]!.status("e"));
  expect(after).toEqual(report);
  expect(scene.world.deeds.length).toBe(recorded);
  expect((await Promise.all(violations)).filter((violation) => violation !== undefined)).toEqual([]);
  const history = (await others[1]!.history("e")).map(({ type }) => type);
  expect(scene.errors).toEqual([]);
  await scene.close();
  return {
    outcome: outcomeOf(report),
    deeds: scene.world.deeds,
    asked: line.asked,
    died,
    late: line.late,
    history,
    report,
  };
}

const keysOf = ({ deeds }: Run): string[] => [...new Set(deeds.map(({ key }) => key))].toSorted();

/** No step whose end was recorded does anything again. */
function expectNothingTwice({ deeds }: Run): void {
  const byKey = Map.groupBy(deeds, ({ key }) => key);
  for (const [key, same] of byKey) {
    // One that was interrupted before its end was recorded is made again, as the next owner's, with the same number.
    expect(same.length, key).toBeLessThanOrEqual(2);
    expect(new Set(same.map(({ attempt }) => attempt)).size, key).toBe(1);
    expect(same.map(({ token }) => token)).toEqual(same.map(({ token }) => token).toSorted((a, b) => a - b));
    expect(new Set(same.map(({ token }) => token)).size, key).toBe(same.length);
  }
}

describe.each([
  ["succeeds", undefined],
  ["is rolled back", "d"],
] as const)("a plan that %s", (_, fails) => {
  it.each(["dies", "standsStill"] as const)(
    "ends the same when its orchestrator %s, whenever that is",
    async (fate) => {
      const whole = await run(fails, undefined, fate);
      expect(whole.report.status).toBe(fails === undefined ? "completed" : "failed");
      expect(new Set(whole.deeds.map(({ key, what }) => key + what)).size).toBe(whole.deeds.length);
      let takeovers = 0;
      let repeated = 0;
      let late = 0;
      for (let request = 1; request <= whole.asked; request++) {
        for (const when of ["before", "after"] as const) {
          const crashed = await run(fails, { request, when }, fate);
          expect(crashed.died, `${when} request ${request}`).toBe(true);
          expect(crashed.outcome, `${when} request ${request}`).toEqual(whole.outcome);
          expectNothingTwice(crashed);
          // Under the same keys, so that what is idempotent outside has had each effect once.
          expect(keysOf(crashed)).toEqual(keysOf(whole));
          late += crashed.late;
          if (crashed.history.includes("takenOver")) takeovers++;
          if (crashed.deeds.length > whole.deeds.length) repeated++;
        }
      }
      if (fate === "standsStill") expect(late).toBeGreaterThan(whole.asked);
      expect(takeovers).toBeGreaterThan(8);
      // What had its effect and was not recorded yet: at least the one step of each boundary.
      expect(repeated).toBeGreaterThan(2);
    },
  );
});

/** Loses every n-th transaction, or its answer. */
function lossy(
  store: Coordination,
  lost: "request" | "answer",
  every: number,
): { line: Coordination; count: () => number } {
  let asked = 0;
  let losses = 0;
  const txn: Coordination["txn"] = async (...given) => {
    const isLost = ++asked % every === 0;
    if (isLost) losses++;
    if (isLost && lost === "request") throw new CoordinationError("TIMED_OUT");
    const answer = await store.txn(...given);
    if (isLost) throw new CoordinationError("TIMED_OUT");
    return answer;
  };
  return { line: { ...store, txn }, count: () => losses };
}

describe("a bad line", () => {
  it("repeats no transition and loses no claim, whichever answers and requests are lost", async () => {
    for (const lost of ["request", "answer"] as const) {
      for (let every = 2; every <= 5; every++) {
        const scene = new OrchestratorScene();
        const { line, count } = lossy(scene.member, lost, every);
        const one = scene.orchestrator("one", { coordination: line });
        one.register(branches);
        await scene.clock.advance(10);
        const id = await scene.until(one.execute("branches", { id: "e" }));
        const report = await scene.until(one.finished(id));
        expect(count()).toBeGreaterThan(0);
        expect(report.status).toBe("completed");
        expect(scene.world.deeds.map(({ step }) => step).toSorted()).toEqual(["a", "b", "c", "d"]);
        expect(scene.events.map(({ type }) => type)).not.toContain("takenOver");
        while (one.running > 0) await scene.clock.advance(50);
        expect((await one.history(id)).length).toBe(scene.events.length);
        expect(scene.errors).toEqual([]);
        await scene.close();
      }
    }
  });
});
