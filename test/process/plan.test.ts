import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { remoteCoordination, type RemoteCoordination } from "holdfast/coordination";
import { createOrchestrator, planDesk, type ExecutionReport } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planCommand } from "../../packages/server/src/cli/plan-command.ts";
import { runCommandLine } from "../../packages/server/src/cli/run-command.ts";
import type { Terminal } from "../../packages/server/src/cli/terminal.ts";
import { countedExecutor, effectKey } from "./counted-plan.ts";
import { temporaryDirectory, until } from "./holdfast-command.ts";
import { startRealCluster, type RealCluster } from "./real-cluster.ts";

let cluster: RealCluster;
let client: RemoteCoordination;
const directory = temporaryDirectory();

beforeAll(async () => {
  cluster = await startRealCluster();
  client = remoteCoordination({ runtime: nodeRuntime(), endpoints: cluster.urls });
});
afterAll(async () => {
  await client?.close();
  await cluster?.close();
  directory.remove();
});

/** The first decision of each transition; a transition is recorded as a whole, and decides up to the next of these. */
const boundaries = [1, 3, 5, 7, 11, 13];
const decisions = 15;

async function countOf(id: string, what: string): Promise<number> {
  const [pair] = (await client.range({ key: effectKey(id, what) })).pairs;
  return pair?.version ?? 0;
}

const outcomeOf = ({ status, cause, steps, rollback, completed }: ExecutionReport): unknown => ({
  status,
  cause,
  completed,
  steps: Object.entries(steps).map(([id, { status, attempts }]) => [id, status, attempts]),
  rollback: Object.entries(rollback).map(([id, { status, attempts }]) => [id, status, attempts]),
});

describe("recovery plans and real processes", () => {
  it("ends the same wherever its orchestrator is killed, and does nothing twice that was recorded", async () => {
    const script = join(import.meta.dirname, "plan-orchestrator-process.ts");
    const endings: { readonly killAt: number; readonly killedBy: unknown }[] = [];
    const queue = [0, ...boundaries];
    const work = async (): Promise<void> => {
      for (let killAt = queue.shift(); killAt !== undefined; killAt = queue.shift()) {
        const line = ["--conditions=source", script, cluster.urls.join(","), `kill-${killAt}`, String(killAt)];
        const child = spawn(process.execPath, line, { stdio: ["ignore", "inherit", "inherit"] });
        const [, killedBy] = (await once(child, "exit")) as [number | null, string | null];
        endings.push({ killAt, killedBy });
      }
    };
    // A few at a time: there are two processors.
    await Promise.all([work(), work(), work()]);
    const orchestrator = createOrchestrator({
      coordination: client,
      executors: [countedExecutor(client)],
      ttlSeconds: 1,
    });
    try {
      const whole = outcomeOf(await orchestrator.finished("kill-0"));
      expect(whole).toMatchObject({ status: "failed", completed: ["a", "b"] });
      let takenOver = 0;
      for (const { killAt, killedBy } of endings) {
        const id = `kill-${killAt}`;
        expect([id, killedBy]).toEqual([id, killAt === 0 ? null : "SIGKILL"]);
        expect([id, outcomeOf(await orchestrator.finished(id))]).toEqual([id, whole]);
        // Killed at the boundary, before anything was done: each effect has been had once.
        const counts = await Promise.all(["a", "b", "undo a", "undo b"].map((what) => countOf(id, what)));
        expect([id, counts]).toEqual([id, [1, 1, 1, 1]]);
        const facts = (await orchestrator.history(id)).map(({ type }) => type);
        // Where the last transition was recorded, nothing is left to do.
        if (facts.includes("takenOver")) takenOver++;
        if (killAt === 0) expect(facts).toHaveLength(decisions);
      }
      expect(takenOver).toBe(boundaries.length - 1);
    } finally {
      await orchestrator.close();
    }
  });

  it("runs a plan from the command line, which somebody else approves", async () => {
    const file = join(directory.path, "plan.yaml");
    writeFileSync(
      file,
      `id: greet
parameters: { whom: { type: text } }
steps:
  - { id: say, type: command, parameters: { command: [echo, "hello \${parameters.whom}"] }, rollback: none }
  - { id: sign-off, type: approval, dependsOn: [say] }
  - { id: keep, type: configuration-update, dependsOn: [sign-off], parameters: { key: greeting, value: "\${steps.say.output.stdout}" } }
`,
    );
    const documents: unknown[] = [];
    const terminal = {
      out() {},
      err() {},
      document: (value: unknown) => documents.push(value),
      styleErr: String,
    } as unknown as Terminal;
    const plan = (...line: readonly string[]): Promise<number> => {
      const all = ["plan", ...line, "--json", "--endpoints", cluster.urls.join(",")];
      return runCommandLine(all, [{ name: "plan", load: async () => planCommand }], terminal, {});
    };
    const running = plan("run", file, "--set", "whom=world", "--id", "greet-1");
    const desk = planDesk(client);
    const statusOf = async (): Promise<string | undefined> =>
      (await desk.status("greet-1").catch(() => undefined))?.steps["sign-off"]?.status;
    await until("it waits for approval", 20_000, async () => (await statusOf()) === "waiting");
    expect(await plan("approve", "greet-1", "say")).toBe(1);
    expect(await plan("approve", "greet-1", "sign-off", "--by", "ada")).toBe(0);
    expect(await running).toBe(0);
    expect(documents).toMatchObject([
      { error: { message: "the step does not wait for an approval: say is completed" } },
      { asked: "approve", by: "ada" },
      { status: "completed", outputs: { say: { exitCode: 0, stdout: "hello world\n" } } },
    ]);
    const { pairs } = await client.range({ key: new TextEncoder().encode("greeting") });
    expect(new TextDecoder().decode(pairs[0]!.value)).toBe("hello world\n");
    expect(await plan("list")).toBe(0);
    expect(documents.at(-1)).toMatchObject({
      executions: expect.arrayContaining([expect.objectContaining({ id: "greet-1" })]),
    });
    expect(await plan("cancel", "greet-1")).toBe(1);
    expect(documents.at(-1)).toMatchObject({ error: { message: "the execution is over: greet-1" } });
  });
});
