import { describe, expect, it } from "vitest";
import { compilePlan } from "./compile-plan.ts";
import type { Plan } from "./plan.ts";
import { executorTable } from "./step-executor.ts";
import { submitPlan } from "./submit-plan.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";

const plan: Plan = {
  id: "p",
  parameters: { say: { type: "text", default: "hello" } },
  steps: [
    { id: "a", type: "work", parameters: { say: "${parameters.say}" } },
    { id: "sign-off", type: "approval", dependsOn: ["a"] },
    { id: "b", type: "work", dependsOn: ["sign-off"] },
  ],
};

describe("an orchestrator that drains", () => {
  it("lets the step under way end, begins nothing, and leaves the rest to others", async () => {
    const scene = new OrchestratorScene();
    scene.world.durations.set("a", 10_000);
    const one = scene.orchestrator("one");
    one.register(plan);
    const id = await scene.until(one.execute("p"));
    await scene.clock.advance(1_000);
    let drained = false;
    const draining = one.drain().then(() => (drained = true));
    const late = await scene.until(one.execute("p", { id: "late" }));
    await scene.clock.advance(5_000);
    expect([drained, scene.world.done]).toEqual([false, []]);
    await scene.until(draining);
    expect(scene.world.done).toEqual(["a"]);
    expect((await scene.until(one.status(late))).status).toBe("pending");
    await scene.until(one.close());
    scene.world.durations.set("a", 10);
    const two = scene.orchestrator("two");
    await scene.clock.advance(1_000);
    await scene.until(two.approve(id, "sign-off", { by: "ada" }));
    expect(await scene.until(two.finished(id))).toMatchObject({ status: "completed", steps: { a: { attempts: 1 } } });
    await scene.until(two.approve(late, "sign-off", { by: "ada" }));
    expect((await scene.until(two.finished(late))).status).toBe("completed");
    expect(scene.world.done.toSorted()).toEqual(["a", "a", "b", "b"]);
    await scene.close();
  });

  it("waits no longer than it is told to", async () => {
    const scene = new OrchestratorScene();
    scene.world.durations.set("a", 10_000);
    const one = scene.orchestrator("one");
    one.register(plan);
    await scene.until(one.execute("p"));
    await scene.clock.advance(1_000);
    const controller = new AbortController();
    const draining = one.drain({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(scene.until(draining)).rejects.toThrow("enough");
    await scene.close();
  });
});

describe("a plan that is submitted", () => {
  it("is run by an orchestrator elsewhere, once for one name", async () => {
    const scene = new OrchestratorScene();
    const compiled = compilePlan(
      { ...plan, steps: [plan.steps[0]!] },
      executorTable(scene.world.executors(() => true)),
    );
    const { clock, random, member } = scene;
    const submit = (say: string): Promise<string> =>
      submitPlan(member, compiled, { parameters: { say }, id: "mine", clock, random });
    expect([await scene.until(submit("one")), await scene.until(submit("one"))]).toEqual(["mine", "mine"]);
    await expect(scene.until(submit("two"))).rejects.toMatchObject({ code: "EXECUTION_EXISTS" });
    await expect(submitPlan(member, compiled, { parameters: { none: 1 } })).rejects.toMatchObject({
      code: "PLAN_PARAMETERS_INVALID",
    });
    const one = scene.orchestrator("one");
    expect(await scene.until(one.finished("mine"))).toMatchObject({ status: "completed" });
    expect(scene.world.deeds).toMatchObject([{ step: "a", parameters: { say: "one" } }]);
    expect(await scene.until(submitPlan(member, compiled, { clock, random }))).toMatch(/^p-[0-9a-z]{10}$/);
    await scene.close();
  });
});
