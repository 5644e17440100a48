import { describe, expect, it } from "vitest";
import { configurationUpdate } from "./configuration-update.ts";
import { healthCheck } from "./health-check.ts";
import type { FetchLike } from "./health-probe.ts";
import type { Plan } from "./plan.ts";
import type { ExecutionReport } from "./plan-desk.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";
import { stepContext } from "./testing/step-context.ts";
import type { StepExecutor } from "./step-executor.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function execute(scene: OrchestratorScene, executors: StepExecutor[], plan: Plan): Promise<ExecutionReport> {
  const one = scene.orchestrator("one", { executors });
  one.register(plan);
  const report = await scene.until(one.finished(await scene.until(one.execute(plan.id))));
  await scene.until(one.close());
  return report;
}

async function valueOf(scene: OrchestratorScene, key: string): Promise<string | undefined> {
  const [pair] = (await scene.member.range({ key: encoder.encode(key) })).pairs;
  return pair && decoder.decode(pair.value);
}

describe("a health check", () => {
  const answer =
    (status: number, body = ""): FetchLike =>
    async () => ({ status, text: async () => body });

  it.each<[FetchLike, object, string | undefined]>([
    [answer(204), {}, undefined],
    [answer(200, "all fine"), { contains: "fine" }, undefined],
    [answer(404), { status: 404 }, undefined],
    [answer(503), {}, "answered 503, not 200 to 299"],
    [answer(302), {}, "answered 302, not 200 to 299"],
    [answer(200), { status: 204 }, "answered 200, not 204"],
    [answer(200, "bad"), { contains: "fine" }, 'answered 200 without "fine"'],
    [async () => Promise.reject(new Error("refused")), {}, "refused"],
  ])("judges the answer", async (fetch, more, message) => {
    const scene = new OrchestratorScene();
    const parameters = { url: "http://service.test/health", ...more };
    const report = await execute(scene, [healthCheck({ fetch })], {
      id: "p",
      steps: [{ id: "s", type: "health-check", parameters }],
    });
    expect(report.status).toBe(message === undefined ? "completed" : "failed");
    if (message !== undefined) expect(report.steps["s"]!.error).toMatchObject({ kind: "service", message });
    await scene.close();
  });

  it("waits for a service with the step's retry", async () => {
    let calls = 0;
    const fetch: FetchLike = async () => ({ status: ++calls < 4 ? 503 : 200, text: async () => "" });
    const scene = new OrchestratorScene();
    const step = { id: "s", type: "health-check", parameters: { url: "http://a.test" }, retry: { attempts: 10 } };
    const report = await execute(scene, [healthCheck({ fetch })], { id: "p", steps: [step] });
    expect(report).toMatchObject({
      status: "completed",
      steps: { s: { attempts: 4 } },
      outputs: { s: { status: 200 } },
    });
    await scene.close();
  });

  it("asks a port, a gRPC server or the store, and each in time", async () => {
    const scene = new OrchestratorScene();
    const silent = (): Promise<never> => new Promise(() => {});
    const closed: unknown[] = [];
    const check = healthCheck({
      fetch: silent,
      network: {
        connect: async ({ host, port }) =>
          port === 1 ? Promise.reject(new Error("refused")) : { destroy: () => closed.push(`${host} ${port}`) },
      },
      grpc: async (_, service) => (service === "shop" ? "SERVING" : "NOT_SERVING"),
      coordination: scene.member,
      clock: scene.clock,
    });
    const ask = async (parameters: Record<string, string>): Promise<unknown> =>
      await check.run(stepContext(parameters));
    expect(await ask({ tcp: "[::1]:5432" })).toEqual({ status: "open" });
    expect(closed).toEqual(["::1 5432"]);
    await expect(ask({ tcp: "a:1" })).rejects.toThrow("refused");
    expect(await ask({ grpc: "http://a:1", service: "shop" })).toEqual({ status: "SERVING" });
    await expect(ask({ grpc: "http://a:1" })).rejects.toThrow("answered NOT_SERVING, not SERVING");
    expect(await ask({ coordination: "mode" })).toEqual({ status: "read" });
    const late = ask({ url: "http://a.test", within: "2s" });
    late.catch(() => undefined);
    await scene.clock.advance(2_000);
    await expect(late).rejects.toMatchObject({ message: "no answer within 2s", stepErrorKind: "timeout" });
    await scene.close();
  });

  it.each<[object, string]>([
    [{}, "steps[0].parameters: must have exactly one of url, tcp (got none)"],
    [{ url: "http://a.test", tcp: "a:1" }, "must have exactly one of url, tcp (got url and tcp)"],
    [{ tcp: "a:1", status: 200 }, "status goes with url, not with tcp"],
    [{ tcp: "a" }, "parameters.tcp: must be HOST:PORT"],
    [{ grpc: "http://a.test" }, "parameters.grpc: unknown parameter; there are url, status, contains, tcp, within"],
  ])("refuses %j when the plan is registered", (parameters, message) => {
    const scene = new OrchestratorScene();
    const check = healthCheck({ fetch: answer(200), network: { connect: async () => ({ destroy: () => {} }) } });
    const one = scene.orchestrator("one", { executors: [check] });
    const step = { id: "s", type: "health-check", parameters: parameters as Record<string, string> };
    expect(() => one.register({ id: "p", steps: [step] })).toThrow(message);
    return scene.close();
  });

  it("refuses a URL of another kind when the plan is registered", () => {
    const scene = new OrchestratorScene();
    const one = scene.orchestrator("one", { executors: [healthCheck({ fetch: answer(200) })] });
    const step = { id: "s", type: "health-check", parameters: { url: "file:///etc/passwd" } };
    expect(() => one.register({ id: "p", steps: [step] })).toThrow(
      "steps[0].parameters.url: must be an http or https URL",
    );
    return scene.close();
  });
});

describe("a configuration update", () => {
  const plan: Plan = {
    id: "p",
    steps: [
      { id: "s", type: "configuration-update", parameters: { key: "mode", value: "read-only" } },
      { id: "t", type: "configuration-update", dependsOn: ["s"], parameters: { key: "new", value: "1" } },
      { id: "bad", type: "health-check", dependsOn: ["t"], parameters: { url: "http://a.test" } },
    ],
  };
  const broken = healthCheck({ fetch: async () => Promise.reject(new Error("refused")) });

  it("puts back what was there", async () => {
    const scene = new OrchestratorScene();
    await scene.member.put({ key: encoder.encode("mode"), value: encoder.encode("normal") });
    const update = configurationUpdate({ coordination: scene.member });
    const steps = plan.steps.slice(0, 2);
    expect(await execute(scene, [update], { ...plan, steps })).toMatchObject({
      outputs: { s: { previous: "normal" } },
    });
    expect(await valueOf(scene, "mode")).toBe("read-only");
    const failed = await execute(scene, [update, broken], plan);
    expect(failed).toMatchObject({ status: "failed", notUndone: [] });
    expect(await valueOf(scene, "mode")).toBe("read-only");
    await scene.member.deleteRange({ key: encoder.encode("new") });
    await scene.member.put({ key: encoder.encode("mode"), value: encoder.encode("normal") });
    expect(await execute(scene, [update, broken], plan)).toMatchObject({ status: "failed", notUndone: [] });
    expect([await valueOf(scene, "mode"), await valueOf(scene, "new")]).toEqual(["normal", undefined]);
    await scene.close();
  });

  it("is made once and undone once, and not after it was undone", async () => {
    const scene = new OrchestratorScene();
    const { run, rollback } = configurationUpdate({ coordination: scene.member });
    const context = stepContext({ key: "mode", value: "read-only" });
    expect(await run(context)).toEqual({ previous: null });
    expect(await run(context)).toEqual({ previous: null });
    await rollback!({ ...context, output: null });
    await rollback!({ ...context, output: null });
    expect(await valueOf(scene, "mode")).toBeUndefined();
    // A try that was thought dead comes late.
    await expect(run(context)).rejects.toThrow("undone meanwhile");
    expect(await valueOf(scene, "mode")).toBeUndefined();
    await scene.close();
  });

  it("does not undo what somebody else has written since", async () => {
    const scene = new OrchestratorScene();
    const { run, rollback } = configurationUpdate({ coordination: scene.member });
    const context = stepContext({ key: "mode", value: "read-only" });
    await run(context);
    await scene.member.put({ key: encoder.encode("mode"), value: encoder.encode("theirs") });
    await expect(rollback!({ ...context, output: null })).rejects.toThrow('somebody else has written "mode" since');
    expect(await valueOf(scene, "mode")).toBe("theirs");
    await scene.close();
  });
});
