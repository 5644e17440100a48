import { createMemoryMember } from "holdfast/coordination";
import { createOrchestrator, customExecutor, planDesk, type Orchestrator } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planWatch, type PlanWatch } from "./plan-watch.ts";

const closing: (() => unknown)[] = [];
let orchestrator: Orchestrator;
let watch: PlanWatch;
let changes = 0;

beforeEach(async () => {
  const { clock, random } = nodeRuntime();
  const member = createMemoryMember({ clock });
  orchestrator = createOrchestrator({
    coordination: member,
    clock,
    random,
    executors: [customExecutor("work", () => ({ done: true }), { changes: false })],
  });
  orchestrator.register({
    id: "restore",
    steps: [
      { id: "look", type: "work" },
      { id: "sign-off", type: "approval", dependsOn: ["look"] },
      { id: "act", type: "work", dependsOn: ["sign-off"] },
    ],
  });
  watch = planWatch(async () => planDesk(member), 20);
  changes = 0;
  watch.start(() => changes++);
  closing.push(
    () => orchestrator.close(),
    () => watch.stop(),
    () => member.close(),
  );
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("plans on the dashboard", () => {
  it("show what waits for a person, who may let it go on", async () => {
    const id = await orchestrator.execute("restore");
    await until(() => (watch.plans[0]?.approvals.length ?? 0) > 0);
    expect(watch.plans).toEqual([
      {
        execution: id,
        plan: "restore",
        status: "running",
        startedAt: expect.any(Number),
        endedAt: null,
        steps: [
          { id: "look", type: "work", status: "completed", attempts: 1, error: null },
          { id: "sign-off", type: "approval", status: "waiting", attempts: expect.any(Number), error: null },
          { id: "act", type: "work", status: "pending", attempts: 0, error: null },
        ],
        approvals: ["sign-off"],
        cause: null,
      },
    ]);
    await expect(watch.approve(id, {})).rejects.toMatchObject({
      status: 400,
      message: "step must be the id of a step",
    });
    await expect(watch.approve(id, { step: "none" })).rejects.toMatchObject({ status: 404 });
    await expect(watch.approve(id, { step: "act" })).rejects.toMatchObject({ status: 409 });
    await expect(watch.approve("nobody", { step: "act" })).rejects.toMatchObject({ status: 404 });
    await watch.approve(id, { step: "sign-off", approved: true, comment: "go on" });
    await until(() => watch.plans[0]?.status === "completed");
    expect(changes).toBeGreaterThanOrEqual(2);
    const report = (await watch.report(id)) as { readonly steps: object; readonly history: readonly object[] };
    expect(report.steps).toMatchObject({
      "sign-off": { approval: { approved: true, by: "dashboard", comment: "go on" } },
    });
    expect(report.history.length).toBeGreaterThan(3);
    await expect(watch.cancel(id, {})).rejects.toMatchObject({ status: 409 });
  });

  it("are cancelled, and say why", async () => {
    const id = await orchestrator.execute("restore");
    await until(() => (watch.plans[0]?.approvals.length ?? 0) > 0);
    await watch.cancel(id, { reason: "not today" });
    await until(() => watch.plans[0]?.status === "cancelled");
    expect(watch.plans[0]).toMatchObject({ cause: "cancelled by dashboard: not today" });
  });
});
