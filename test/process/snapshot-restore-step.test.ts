import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StepContext } from "holdfast/recovery";
import { afterAll, expect, it } from "vitest";
import { snapshotRestore } from "../../packages/server/src/plans/snapshot-restore.ts";
import { run } from "./holdfast-command.ts";
import { cleanUp, place, running, stop, type Place } from "./lone-node.ts";

afterAll(cleanUp);

const executor = snapshotRestore();

function contextOf(parameters: StepContext["parameters"], stepId: string): StepContext {
  const names = { planId: "p", executionId: "e", stepId, idempotencyKey: `e/${stepId}` };
  const { signal } = new AbortController();
  return { ...names, attempt: 1, fencingToken: 1, outputs: new Map(), parameters, signal };
}

async function ask({ url }: Place, ...line: string[]): Promise<string> {
  const { code, stdout, stderr } = await run([...line, "--endpoints", url]);
  if (code !== 0) throw new Error(`${line.join(" ")}: ${stderr}`);
  return stdout;
}

it("a member's directory is restored, once, started on, and put back", async () => {
  const where = await place();
  const file = join(dirname(where.data), "backup.db");
  const beside = (): string[] => readdirSync(dirname(where.data)).filter((name) => name.includes("holdfast-"));
  const first = await running(where);
  await ask(where, "put", "a", "1");
  await ask(where, "snapshot", "save", file);
  await ask(where, "put", "a", "2");

  const cluster = { n1: `127.0.0.1:${where.port + 1}` };
  const parameters = { file, cluster, directories: { n1: where.data } };
  await expect(executor.run(contextOf(parameters, "one"))).rejects.toThrow(`n1 runs in ${where.data}: stop it before`);
  expect(beside()).toEqual([]);
  await stop(first);
  await expect(executor.run(contextOf({ ...parameters, file: `${file}.none` }, "one"))).rejects.toMatchObject({
    name: "StepFailure",
    retryable: false,
  });
  expect(beside()).toEqual([]);

  const context = contextOf(parameters, "two");
  const output = (await executor.run(context)) as { revision: number; previous: { n1: string } };
  expect(output).toEqual({ revision: 2, previous: { n1: expect.stringContaining(".holdfast-old-") } });
  const second = await running(where);
  expect(await ask(where, "get", "a", "--json")).toContain('"value":"1"');
  await ask(where, "put", "b", "1");
  // The record of its end was lost: nothing happens to the member, which runs.
  expect(await executor.run({ ...context, attempt: 2 })).toEqual(output);
  await expect(executor.rollback!({ ...context, output })).rejects.toThrow("stop it before");
  await stop(second);

  await executor.rollback!({ ...context, output });
  await executor.rollback!({ ...context, output });
  expect(beside()).toEqual([]);
  await running(where);
  expect(await ask(where, "get", "a", "--json")).toContain('"value":"2"');
});
