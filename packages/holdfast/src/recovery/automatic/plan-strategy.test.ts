import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OrchestratorScene } from "../plans/testing/orchestrator-scene.ts";
import type { Orchestrator } from "../plans/orchestrator.ts";
import { createAutomaticRecovery, type AutomaticRecovery } from "./automatic-recovery.ts";
import { planStrategy } from "./plan-strategy.ts";
import type { AutomaticRecoveryOptions } from "./recovery-options.ts";

let scene: OrchestratorScene;
let orchestrator: Orchestrator;
beforeEach(async () => {
  scene = new OrchestratorScene();
  orchestrator = scene.orchestrator("plans");
  orchestrator.register({
    id: "restore",
    parameters: { node: { type: "text" } },
    steps: [
      { id: "a", type: "work", parameters: { say: "${parameters.node}" } },
      { id: "b", type: "work", dependsOn: ["a"] },
    ],
  });
  await scene.clock.advance(10);
});
afterEach(() => scene.close());

function recoveryOf(options: Partial<AutomaticRecoveryOptions> = {}): AutomaticRecovery {
  const parameters = ({ target }: { readonly target: string }): { node: string } => ({ node: target });
  return createAutomaticRecovery({
    strategies: [planStrategy(orchestrator, "restore", { handles: ["lost"], parameters })],
    verifyMs: 0,
    clock: scene.clock,
    random: scene.random.fork("recovery"),
    ...options,
  });
}

describe("planStrategy", () => {
  it("carries out a plan for the target", async () => {
    const recovery = recoveryOf();
    await recovery.report({ type: "lost", target: "db-1" });
    await scene.clock.advance(2_000);
    expect(scene.world.deeds.map(({ step, parameters }) => [step, parameters["say"]])).toEqual([
      ["a", "db-1"],
      ["b", undefined],
    ]);
    expect((await recovery.snapshot()).closed).toMatchObject([
      { attempts: [{ strategy: "restore", outcome: "succeeded" }] },
    ]);
    await recovery.close();
  });

  it("has failed when the plan has", async () => {
    scene.world.failures.set("b", 9);
    const recovery = recoveryOf();
    await recovery.report({ type: "lost", target: "db-1" });
    await scene.clock.advance(2_000);
    const [task] = (await recovery.snapshot()).open;
    expect(task?.attempts[0]?.error).toMatchObject({ code: "PLAN_NOT_COMPLETED" });
    expect(task?.attempts[0]?.error?.message).toContain(`${task?.id}-1 is failed`);
    expect(scene.world.undone).toEqual(["a"]);
    await recovery.close();
  });

  it("is rolled back when it takes too long", async () => {
    scene.world.durations.set("b", 60_000);
    const recovery = recoveryOf({ timeoutMs: 1_000, graceMs: 20_000 });
    await recovery.report({ type: "lost", target: "db-1" });
    await scene.clock.advance(3_000);
    const [task] = (await recovery.snapshot()).open;
    expect(task?.attempts).toMatchObject([{ outcome: "timedOut" }]);
    expect(scene.world.undone).toEqual(["a"]);
    await recovery.close();
  });

  it("is waited for by the process that takes over, and done once", async () => {
    scene.world.durations.set("b", 5_000);
    const shared = { coordination: scene.member, ttlSeconds: 2 };
    const first = recoveryOf({ ...shared, name: "first" });
    await scene.clock.advance(100);
    const second = recoveryOf({ ...shared, name: "second", random: scene.random.fork("second") });
    await scene.until(first.report({ type: "lost", target: "db-1" }));
    await scene.clock.advance(1_000);
    await scene.until(first.close());
    await scene.clock.advance(20_000);
    const { open, closed } = await scene.until(second.snapshot());
    expect(open).toEqual([]);
    expect(closed).toMatchObject([{ attempts: [{ number: 1, interruptions: 1, outcome: "succeeded" }] }]);
    expect(scene.world.done).toEqual(["a", "b"]);
    await scene.until(second.close());
  });
});
