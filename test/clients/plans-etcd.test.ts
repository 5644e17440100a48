import { etcdCoordination } from "holdfast/adapters/etcd";
import {
  configurationUpdate,
  createOrchestrator,
  customExecutor,
  planDesk,
  type Orchestrator,
} from "holdfast/recovery";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../process/holdfast-command.ts";
import { startEtcd, type Endpoint } from "./endpoint.ts";

let etcd: Endpoint;
const opened: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(async () => {
  for (const close of opened.toReversed()) await close();
  await etcd?.close();
});

it("a plan on etcd waits for a person, goes on elsewhere, and is rolled back", async () => {
  const effects: string[] = [];
  const start = (name: string): Orchestrator => {
    const coordination = etcdCoordination({ endpoints: [`http://${etcd.client}`] });
    const work = customExecutor("work", ({ stepId }) => ({ n: effects.push(`do ${stepId}`) }), {
      rollback: ({ stepId }) => void effects.push(`undo ${stepId}`),
    });
    const broken = customExecutor("broken", () => Promise.reject(new Error("down")), { changes: false });
    const executors = [work, broken, configurationUpdate({ coordination })];
    const errors: unknown[] = [];
    const onError = (error: unknown): number => errors.push(error);
    const orchestrator = createOrchestrator({ coordination, executors, name, ttlSeconds: 2, onError });
    opened.push(async () => {
      await orchestrator.close();
      await coordination.close();
      expect(errors).toEqual([]);
    });
    return orchestrator;
  };
  const one = start("one");
  one.register({
    id: "p",
    steps: [
      { id: "a", type: "work" },
      { id: "mode", type: "configuration-update", dependsOn: ["a"], parameters: { key: "mode", value: "safe" } },
      { id: "ok", type: "approval", dependsOn: ["mode"] },
      { id: "b", type: "work", dependsOn: ["ok"] },
      { id: "bad", type: "broken", dependsOn: ["b"], retry: { attempts: 2, baseDelay: "10ms" } },
    ],
  });
  const id = await one.execute("p");
  await until("it waits", 10_000, async () => (await one.status(id)).steps["ok"]!.status === "waiting");
  await one.close();
  const two = start("two");
  const client = etcdCoordination({ endpoints: [`http://${etcd.client}`] });
  opened.push(() => client.close());
  await planDesk(client).approve(id, "ok", { by: "ada" });
  const report = await two.finished(id);
  expect(report).toMatchObject({
    status: "failed",
    completed: ["a", "mode", "ok", "b"],
    cause: { step: "bad" },
    steps: { bad: { attempts: 2 } },
    outputs: { mode: { previous: null } },
    notUndone: [],
  });
  expect(effects).toEqual(["do a", "do b", "undo b", "undo a"]);
  expect((await two.history(id)).map(({ type }) => type)).toEqual(
    expect.arrayContaining(["takenOver", "approvalGiven"]),
  );
  expect((await client.range({ key: new TextEncoder().encode("mode") })).count).toBe(0);
  expect((await two.list()).map(({ status }) => status)).toEqual(["failed"]);
  const desk = {
    key: new TextEncoder().encode("recovery/desk/"),
    rangeEnd: new TextEncoder().encode("recovery/desk0"),
  };
  expect((await client.range(desk)).count).toBe(0);
});
