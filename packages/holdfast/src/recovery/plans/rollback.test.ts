import { describe, expect, it } from "vitest";
import type { Plan } from "./plan.ts";
import { customExecutor } from "./step-executor.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";

/** Two branches of unlike pace between a first and a last step. */
const six: Plan = {
  id: "six",
  steps: [
    { id: "a", type: "work" },
    { id: "b1", type: "work", dependsOn: ["a"] },
    { id: "b2", type: "work", dependsOn: ["b1"], rollback: "undo-b2" },
    { id: "c1", type: "work", dependsOn: ["a"] },
    { id: "c2", type: "work", dependsOn: ["c1"] },
    { id: "z", type: "work", dependsOn: ["b2", "c2"] },
  ],
  rollbackSteps: [{ id: "undo-b2", type: "undo-work" }],
};
const paces = { a: 100, b1: 250, b2: 300, c1: 100, c2: 350, z: 100 };

/** Runs the plan with one step that fails, and how each is undone. */
async function run(fails: string, prepare: (scene: OrchestratorScene) => void = () => {}) {
  const scene = new OrchestratorScene();
  for (const [step, duration] of Object.entries(paces)) scene.world.durations.set(step, duration);
  scene.world.failures.set(fails, 1);
  prepare(scene);
  const one = scene.orchestrator("one");
  one.register(six);
  const id = await scene.until(one.execute("six"));
  const report = await scene.until(one.finished(id));
  await scene.close();
  expect(scene.errors).toEqual([]);
  return { report, world: scene.world, events: scene.events };
}

const undoneIds = (undone: readonly string[]): string[] => undone.map((id) => id.replace("undo-", ""));

describe("a rollback", () => {
  it.each(six.steps.map(({ id }) => id))(
    "undoes exactly what completed, the last first, when %s fails",
    async (fails) => {
      const { report, world } = await run(fails);
      expect(report.status).toBe("failed");
      expect(report.cause).toMatchObject({ type: "stepFailed", step: fails, error: { message: `${fails} is broken` } });
      expect(report.steps[fails]!.status).toBe("failed");
      expect(report.completed).toEqual(world.done);
      expect(undoneIds(world.undone)).toEqual(world.done.toReversed());
      expect(world.done).not.toContain(fails);
      expect(report.notUndone).toEqual([]);
      expect(report.inDoubt).toEqual([]);
      for (const { id } of six.steps) {
        if (!world.done.includes(id) && id !== fails)
          expect(["skipped", "cancelled"]).toContain(report.steps[id]!.status);
      }
    },
  );

  it("also undoes a step that took no notice of being stopped", async () => {
    // c1 fails at 200 ms, b1 goes on until 350 ms.
    const { report, world } = await run("c1", (scene) => scene.world.deaf.add("b1"));
    expect(report.completed).toEqual(["a", "b1"]);
    expect(world.undone).toEqual(["b1", "a"]);
    expect(report.steps["b1"]!.status).toBe("completed");
  });

  it("gives up a step that does not end, and says that its effect is not known", async () => {
    const { report, world } = await run("c1", (scene) => {
      scene.world.deaf.add("b1");
      scene.world.durations.set("b1", 60_000);
    });
    expect(report.steps["b1"]).toMatchObject({ status: "cancelled", inDoubt: true });
    expect(report.inDoubt).toEqual(["b1"]);
    expect(world.undone).toEqual(["a"]);
  });

  it("remembers the doubt about a try that was given up, unless a later one completes", async () => {
    for (const tries of [1, 2]) {
      const scene = new OrchestratorScene();
      let began = 0;
      const sleepy = customExecutor("sleepy", async () => {
        if (++began === 1) return await new Promise(() => {});
        if (began <= tries) throw new Error("down");
        return "done";
      });
      const one = scene.orchestrator("one", { executors: [sleepy] });
      const retry = { attempts: 2, baseDelay: "1s" };
      one.register({ id: "p", steps: [{ id: "s", type: "sleepy", timeout: "1s", retry, rollback: "none" }] });
      const report = await scene.until(one.finished(await scene.until(one.execute("p"))));
      expect([began, report.status, report.inDoubt]).toEqual([
        2,
        ...(tries === 1 ? ["completed", []] : ["failed", ["s"]]),
      ]);
      await scene.close();
    }
  });

  it("goes on after what cannot be undone, and reports every failure", async () => {
    const { report, world, events } = await run("z", (scene) => {
      scene.world.failures.set("undo c2", 1);
      scene.world.failures.set("undo b1", 1);
    });
    expect(report.notUndone.toSorted()).toEqual(["b1", "c2"]);
    expect(undoneIds(world.undone)).toEqual(["b2", "c1", "a"]);
    expect(report.rollback["c2"]).toMatchObject({ status: "failed", error: { message: "c2 is broken" } });
    expect(events.find(({ type }) => type === "rollbackFailed")).toMatchObject({
      steps: expect.arrayContaining(["b1", "c2"]),
    });
    expect(events.at(-1)!.type).toBe("executionFailed");
  });

  it("is not stopped by a cancellation", async () => {
    const scene = new OrchestratorScene();
    scene.world.failures.set("z", 1);
    const one = scene.orchestrator("one");
    one.register(six);
    const id = await scene.until(one.execute("six"));
    while ((await one.status(id)).status !== "rollingBack") await scene.clock.advance(20);
    await scene.until(one.cancel(id, { by: "ada" }));
    const report = await scene.until(one.finished(id));
    expect(report.status).toBe("failed");
    expect(scene.world.undone).toHaveLength(5);
    expect(scene.events.map(({ type }) => type)).toContain("cancelIgnored");
    await scene.close();
  });

  it("undoes what completed when the plan is cancelled, at any moment", async () => {
    let undone = 0;
    for (let atMs = 0; atMs <= 700; atMs += 50) {
      const scene = new OrchestratorScene();
      for (const [step, duration] of Object.entries(paces)) scene.world.durations.set(step, duration);
      const one = scene.orchestrator("one");
      one.register(six);
      const id = await scene.until(one.execute("six"), 1);
      await scene.clock.advance(atMs);
      await scene.until(one.cancel(id, { by: "ada", reason: "wrong region" }), 1);
      const report = await scene.until(one.finished(id));
      expect(report).toMatchObject({
        status: "cancelled",
        cause: { type: "cancelled", by: "ada", reason: "wrong region" },
      });
      expect(undoneIds(scene.world.undone)).toEqual(scene.world.done.toReversed());
      expect(report.completed).toEqual(scene.world.done);
      undone += scene.world.undone.length;
      await expect(one.cancel(id, { by: "ada" })).rejects.toMatchObject({ code: "EXECUTION_OVER" });
      await scene.close();
    }
    expect(undone).toBeGreaterThan(20);
  });
});
