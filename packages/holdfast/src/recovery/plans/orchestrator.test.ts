import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PlanKeys } from "./execution-keys.ts";
import type { Plan } from "./plan.ts";
import { planDesk } from "./plan-desk.ts";
import { customExecutor } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";
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

  it("runs independent steps together, up to the limit", async () => {
    const steps = Array.from({ length: 12 }, (_, at) => ({ id: `s${at}`, type: "look" }));
    const one = scene.orchestrator("one");
    for (const concurrency of [1, 3, 12]) {
      scene.world.most = 0;
      one.register({ id: `wide-${concurrency}`, concurrency, steps });
      const id = await scene.until(one.execute(`wide-${concurrency}`));
      const { startedAt = 0, endedAt = 0 } = await scene.until(one.finished(id), 10);
      expect(scene.world.most).toBe(concurrency);
      expect(endedAt - startedAt).toBe((12 / concurrency) * 100);
    }
  });

  it("tries again after growing delays, and fails with the last error", async () => {
    scene.world.failures.set("a", 3);
    const one = scene.orchestrator("one");
    const retry = { attempts: 4, baseDelay: "1s", multiplier: 3, maxDelay: "5s" };
    one.register({ id: "good", steps: [{ id: "a", type: "work", retry }] });
    one.register({ id: "bad", steps: [{ id: "a", type: "work", retry: { ...retry, attempts: 3 } }] });
    const report = await scene.until(one.finished(await scene.until(one.execute("good"))));
    expect(report).toMatchObject({ status: "completed", steps: { a: { attempts: 4 } } });
    const delays = scene.events.flatMap((event) => (event.type === "stepFailed" ? (event.retryInMs ?? 0) : []));
    for (const [at, whole] of [1_000, 3_000, 5_000].entries()) {
      expect(delays[at]).toBeGreaterThanOrEqual(whole / 2);
      expect(delays[at]).toBeLessThanOrEqual(whole);
    }
    const failed = await scene.until(one.finished(await scene.until(one.execute("bad"))));
    expect(failed).toMatchObject({
      status: "failed",
      steps: { a: { attempts: 3, error: { message: "a is broken" } } },
    });
    // One key for all tries of a step.
    expect(new Set(scene.world.deeds.map(({ key }) => key)).size).toBe(1);
  });

  it("does not try again what will not go away", async () => {
    let tries = 0;
    const broken = customExecutor(
      "broken",
      () => {
        tries++;
        throw new StepFailure("configuration", "no such region");
      },
      { changes: false },
    );
    const one = scene.orchestrator("one", { executors: [broken] });
    one.register({ id: "p", steps: [{ id: "a", type: "broken", retry: { attempts: 5 } }] });
    const report = await scene.until(one.finished(await scene.until(one.execute("p"))));
    expect(tries).toBe(1);
    expect(report.steps["a"]!.error).toEqual({ kind: "configuration", code: "STEP_FAILED", message: "no such region" });
  });

  it("ends a step that takes too long, tries it again, and fails it", async () => {
    scene.world.durations.set("a", 10_000);
    const one = scene.orchestrator("one");
    one.register({
      id: "p",
      steps: [{ id: "a", type: "work", timeout: "2s", retry: { attempts: 2, baseDelay: "1ms" } }],
    });
    const report = await scene.until(one.finished(await scene.until(one.execute("p"))));
    expect(report).toMatchObject({ status: "failed", steps: { a: { attempts: 2, error: { kind: "timeout" } } } });
    expect(report.endedAt! - report.startedAt!).toBeLessThan(4_200);
    expect(scene.world.deeds).toEqual([]);
    expect(scene.events.filter(({ type }) => type === "stepTimedOut")).toHaveLength(2);
    expect(report.inDoubt).toEqual([]);
  });

  it("counts what ends well a little late, as it has had its effect", async () => {
    scene.world.durations.set("a", 3_000);
    scene.world.deaf.add("a");
    const one = scene.orchestrator("one", { graceMs: 2_000 });
    one.register({ id: "p", steps: [{ id: "a", type: "work", timeout: "2s" }] });
    const report = await scene.until(one.finished(await scene.until(one.execute("p"))));
    expect(report.status).toBe("completed");
    expect(scene.events.find(({ type }) => type === "stepCompleted")).toMatchObject({ late: true });
  });

  it("rolls a plan back that takes too long as a whole", async () => {
    scene.world.durations.set("c", 60_000);
    const one = scene.orchestrator("one");
    one.register({ ...chain, timeout: "10s" });
    const report = await scene.until(one.finished(await scene.until(one.execute("chain"))));
    expect(report).toMatchObject({ status: "failed", cause: { type: "timedOut" }, completed: ["a", "b"] });
    expect(scene.world.undone).toEqual(["b", "a"]);
    expect(report.endedAt! - report.startedAt!).toBeLessThan(10_500);
  });

  it("waits for a person, who may be anywhere", async () => {
    const one = scene.orchestrator("one");
    one.register({
      id: "p",
      steps: [
        { id: "ok", type: "approval" },
        { id: "a", type: "work", dependsOn: ["ok"] },
      ],
    });
    const desk = planDesk(scene.member);
    const ids = [await scene.until(one.execute("p")), await scene.until(one.execute("p"))];
    await scene.clock.advance(60_000);
    expect(scene.world.deeds).toEqual([]);
    expect((await desk.status(ids[0]!)).steps["ok"]!.status).toBe("waiting");
    await desk.approve(ids[0]!, "ok", { by: "ada", comment: "go" });
    await desk.refuse(ids[1]!, "ok", { by: "bob" });
    await expect(desk.approve(ids[0]!, "a", { by: "ada" })).rejects.toMatchObject({ code: "NO_APPROVAL_WANTED" });
    await expect(desk.approve(ids[0]!, "x", { by: "ada" })).rejects.toMatchObject({ code: "STEP_NOT_FOUND" });
    await expect(desk.approve("nobody", "x", { by: "ada" })).rejects.toMatchObject({ code: "EXECUTION_NOT_FOUND" });
    const [good, bad] = await scene.until(Promise.all(ids.map((id) => one.finished(id))));
    expect(good).toMatchObject({
      status: "completed",
      steps: { ok: { approval: { approved: true, by: "ada", comment: "go" } } },
    });
    expect(bad).toMatchObject({ status: "failed", cause: { step: "ok", error: { message: "refused by bob" } } });
    expect(scene.world.done).toEqual(["a"]);
    await expect(desk.approve(ids[0]!, "ok", { by: "ada" })).rejects.toMatchObject({ code: "EXECUTION_OVER" });
    // Nothing is left of what people asked for.
    expect((await scene.member.range(new PlanKeys("recovery/").desk)).count).toBe(0);
  });

  it("goes on where another was closed or had died, also with what waits", async () => {
    const one = scene.orchestrator("one");
    one.register({
      id: "p",
      steps: [
        { id: "a", type: "work" },
        { id: "ok", type: "approval", dependsOn: ["a"] },
        { id: "b", type: "work", dependsOn: ["ok"] },
      ],
    });
    const id = await scene.until(one.execute("p"));
    await scene.clock.advance(1_000);
    await scene.until(one.close());
    const two = scene.orchestrator("two");
    await scene.clock.advance(1_000);
    expect(two.running).toBe(1);
    await scene.until(two.approve(id, "ok", { by: "ada" }));
    const report = await scene.until(two.finished(id));
    expect(report.status).toBe("completed");
    expect(scene.world.done).toEqual(["a", "b"]);
    expect(scene.world.deeds[1]!.token).toBeGreaterThan(scene.world.deeds[0]!.token);
    await expect(one.execute("p")).rejects.toMatchObject({ code: "CLAIM_LOST" });
  });

  it("does not make a try again that a crash has interrupted, where that is not allowed", async () => {
    scene.world.durations.set("b", 5_000);
    const one = scene.orchestrator("one");
    one.register({
      id: "p",
      steps: [
        { id: "a", type: "work" },
        { id: "b", type: "once", dependsOn: ["a"] },
      ],
    });
    const id = await scene.until(one.execute("p"));
    await scene.clock.advance(1_000);
    await scene.until(one.close());
    const report = await scene.until(scene.orchestrator("two").finished(id));
    expect(report).toMatchObject({
      status: "failed",
      inDoubt: ["b"],
      cause: { step: "b", error: { code: "INTERRUPTED" } },
    });
    expect(scene.world.undone).toEqual(["a"]);
  });

  it("leaves to others what it has no executor for", async () => {
    const poor = scene.orchestrator("poor", { executors: [], onError: () => refused++ });
    let refused = 0;
    const rich = scene.orchestrator("rich");
    rich.register(chain);
    await scene.clock.advance(1_000);
    const id = await scene.until(rich.execute("chain"));
    await scene.clock.advance(50);
    await scene.until(rich.close());
    await scene.clock.advance(1_000);
    expect([refused, poor.running]).toEqual([1, 0]);
    const other = scene.orchestrator("other");
    expect(await scene.until(other.finished(id))).toMatchObject({ status: "completed" });
  });

  it("leaves to others what was not asked for here, where it is told to", async () => {
    const one = scene.orchestrator("one");
    one.register(chain);
    const id = await scene.until(one.execute("chain"));
    await scene.clock.advance(50);
    await scene.until(one.close());
    const modest = scene.orchestrator("modest", { takesOver: false });
    modest.register(chain);
    await scene.clock.advance(5_000);
    expect(scene.world.deeds).toEqual([]);
    // Asked for by its name, it is its own.
    expect(await scene.until(modest.execute("chain", { id }))).toBe(id);
    expect(await scene.until(modest.finished(id))).toMatchObject({ status: "completed", completed: ["a", "b", "c"] });
  });

  it("executes once under one name", async () => {
    const one = scene.orchestrator("one");
    one.register(chain);
    expect(await scene.until(Promise.all([1, 2, 3].map(() => one.execute("chain", { id: "e" }))))).toEqual([
      "e",
      "e",
      "e",
    ]);
    const other = one.execute("chain", { id: "e", parameters: { region: "us" } });
    await expect(scene.until(other)).rejects.toMatchObject({ code: "EXECUTION_EXISTS" });
    await scene.until(one.finished("e"));
    expect(scene.world.done).toEqual(["a", "b", "c"]);
    expect(await one.execute("chain", { id: "e" })).toBe("e");
    await scene.clock.advance(1_000);
    expect(scene.world.done).toHaveLength(3);
  });

  it("refuses parameters that do not fit, and plans that are not there", async () => {
    const one = scene.orchestrator("one");
    one.register({ ...chain, parameters: { region: { type: "text" }, n: { type: "number", default: 1 } } });
    await expect(one.execute("chian")).rejects.toMatchObject({ code: "PLAN_NOT_FOUND" });
    await expect(one.execute("chain", { parameters: { regoin: "eu", n: "2" } })).rejects.toMatchObject({
      code: "PLAN_PARAMETERS_INVALID",
      problems: [
        { path: "parameters.regoin", message: "unknown parameter; there are region, n" },
        { path: "parameters.n", message: 'must be a number (got "2")' },
        { path: "parameters.region", message: "is missing" },
      ],
    });
    expect(() => one.dryRun("chain", {})).toThrow("parameters.region: is missing");
    expect(one.dryRun("chain", { region: "eu" })).toMatchObject({
      parameters: { region: "eu", n: 1 },
      waves: [[{ id: "a", type: "work", undo: "a" }], [{ id: "b" }], [{ id: "c" }]],
    });
    expect(scene.world.deeds).toEqual([]);
  });

  it("fails a step that refers to what an output does not have, or that was left out", async () => {
    const big = customExecutor("big", ({ parameters }) => ({ text: "x".repeat(parameters["n"] as number) }), {
      changes: false,
    });
    const one = scene.orchestrator("one", {
      executors: [big, ...scene.world.executors(() => true)],
      maxOutputBytes: 1_000,
    });
    for (const [n, field] of [
      [10, "txet"],
      [2_000, "text"],
    ] as const) {
      one.register({
        id: "p",
        steps: [
          { id: "a", type: "big", parameters: { n } },
          { id: "b", type: "work", dependsOn: ["a"], parameters: { say: `\${steps.a.output.${field}}` } },
        ],
      });
      const report = await scene.until(one.finished(await scene.until(one.execute("p"))));
      expect(report).toMatchObject({ status: "failed", cause: { step: "b", error: { kind: "validation" } } });
      expect(report.steps["a"]!.outputOmitted).toBe(n > 1_000 ? true : undefined);
    }
  });

  it("keeps no more than it is told to", async () => {
    const one = scene.orchestrator("one", { maxFinished: 5, maxHistory: 3, maxRunning: 4 });
    one.register(chain);
    let most = 0;
    const ids = await scene.until(Promise.all(Array.from({ length: 60 }, () => one.execute("chain"))));
    const all = Promise.all(ids.map(async (id) => (await one.finished(id).catch(() => undefined))?.status));
    await scene.until(all, 20, 60_000, () => (most = Math.max(most, one.running)));
    expect(most).toBe(4);
    expect(scene.world.done).toHaveLength(180);
    await scene.clock.advance(1_000);
    const kept = await one.list({ limit: 1_000 });
    expect(kept.length).toBeLessThanOrEqual(5 + 16);
    expect((await scene.member.range({ ...new PlanKeys("recovery/").execution(kept[0]!.id).history })).count).toBe(3);
  });

  it("learns the end of what came and went while its watch was behind", async () => {
    // Its watches tell nothing until the history that they should tell is gone.
    const behind = Promise.withResolvers<void>();
    let watches = 0;
    const watch: typeof scene.member.watch = async (...given) => {
      if (++watches === 1) await behind.promise;
      return await scene.member.watch(...given);
    };
    const slow = scene.orchestrator("slow", { coordination: { ...scene.member, watch }, takesOver: false });
    await scene.clock.advance(10);
    const one = scene.orchestrator("one");
    one.register(chain);
    const id = await scene.until(one.execute("chain"));
    const told = slow.finished(id);
    await scene.until(one.finished(id));
    const { header } = await scene.member.range({ key: new TextEncoder().encode("x") });
    await scene.member.compact({ revision: header.revision });
    behind.resolve();
    expect(await scene.until(told, 50, 60_000)).toMatchObject({ status: "completed" });
    expect(watches).toBe(2);
  });

  it("records an execution also when its lease is gone and it does not know yet", async () => {
    const one = scene.orchestrator("one");
    one.register(chain);
    await scene.clock.advance(10);
    const busy = await scene.until(one.execute("chain"), 10);
    for (const id of (await scene.member.leases()).leases) await scene.member.leaseRevoke({ id });
    const id = await scene.until(one.execute("chain"), 10);
    for (const each of [busy, id]) expect(await scene.until(one.finished(each))).toMatchObject({ status: "completed" });
    expect(scene.events.filter(({ type }) => type === "takenOver").map(({ execution }) => execution)).toEqual([busy]);
  });

  it("refuses more executions than it may have", async () => {
    const one = scene.orchestrator("one", { maxActive: 2 });
    one.register(chain);
    await scene.clock.advance(10);
    for (let n = 0; n < 2; n++) await scene.until(one.execute("chain"), 10);
    await expect(scene.until(one.execute("chain"))).rejects.toMatchObject({ code: "EXECUTIONS_FULL", retryable: true });
  });

  it.each([
    [{ coordination: {} }, "orchestrator.coordination must be a Coordination"],
    [{ executors: [{ type: "approval", run: () => 1 }] }, "executors[0].type must be"],
    [{ ttlSeconds: 0 }, "orchestrator.ttlSeconds must be an integer >= 1"],
    [{ prefix: "x" }, 'orchestrator.prefix must end in a slash (got "x")'],
    [{ maxRuning: 1 }, "orchestrator.maxRuning is no option"],
    [{ graceMs: -1 }, "orchestrator.graceMs must be a number >= 0"],
  ])("refuses options like %j", (options, message) => {
    expect(() => scene.orchestrator("one", options as never)).toThrow(message);
  });
});
