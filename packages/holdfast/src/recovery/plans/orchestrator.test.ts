import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Plan } from "./plan.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";

let scene: OrchestratorScene;
beforeEach(() => {
  scene = new OrchestratorScene();
});
afterEach(async () => {
  await scene.close();
  expect(scene.errors).toEqual([]);
  expect(scene.clock.pending).toBe(0);
});

const chain: Plan = {
  id: "chain",
  parameters: { region: { type: "text", default: "eu" } },
  steps: [
    { id: "a", type: "work", parameters: { say: "${parameters.region}-1" } },
    { id: "b", type: "work", dependsOn: ["a"], parameters: { say: "${steps.a.output.said} and ${steps.a.output}" } },
    { id: "c", type: "work", dependsOn: ["b"], parameters: { say: "${steps.a.output}" } },
  ],
};

describe("an orchestrator", () => {
  it("runs steps in order, and gives outputs to later ones", async () => {
    const one = scene.orchestrator("one");
    one.register(chain);
    const id = await scene.until(one.execute("chain", { parameters: { region: "us" } }));
    const report = await scene.until(one.finished(id));
    expect(report).toMatchObject({ status: "completed", completed: ["a", "b", "c"] });
    expect(scene.world.deeds.map(({ parameters }) => parameters["say"])).toEqual([
      "us-1",
      'us-1 and {"by":"a","said":"us-1"}',
      { by: "a", said: "us-1" },
    ]);
    expect(report.outputs["b"]).toEqual({ by: "b", said: 'us-1 and {"by":"a","said":"us-1"}' });
    expect(scene.events.map(({ type }) => type)).toEqual([
      "executionStarted",
      ...["a", "b", "c"].flatMap(() => ["stepStarted", "stepCompleted"]),
      "executionCompleted",
    ]);
    const history = await one.history(id);
    expect(history.map(({ type }) => type)).toEqual(scene.events.map(({ type }) => type));
    expect((await one.list()).map(({ id, status }) => [id, status])).toEqual([[id, "completed"]]);
  });
});
