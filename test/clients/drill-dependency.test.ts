import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DrillReport } from "holdfast/proof";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, temporaryDirectory } from "../process/holdfast-command.ts";
import { startPostgresql, startRedis, type RealServer } from "./real-servers.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "down.json");
const started: RealServer[] = [];
const urls: Record<string, string> = {};

/** As the built-in one, and shorter: the server goes down, and then hangs. */
const scenario = {
  name: "down",
  stage: { kind: "dependency" },
  load: { for: "3200ms", clients: 4 },
  faults: [
    { kind: "down", target: "dependency", after: "300ms", for: "500ms" },
    { kind: "partition", target: "dependency", after: "1200ms", for: "1500ms" },
  ],
  steadyState: ["serves"],
  invariants: ["answeredRatio == 1"],
  expect: ["slowestCallMs < 1400", "breakerRejected > 0", "fromDependency > 0", "fromFallback > 0"],
};

beforeAll(async () => {
  writeFileSync(file, JSON.stringify(scenario));
  const [redis, postgresql] = await Promise.all([startRedis(), startPostgresql()]);
  started.push(redis, postgresql);
  urls["redis"] = `redis://127.0.0.1:${redis.port}`;
  urls["postgresql"] = `postgresql://127.0.0.1:${postgresql.port}`;
});
afterAll(async () => {
  for (const server of started) await server.close();
  directory.remove();
});

describe.concurrent("a drill with a real dependency that goes down and hangs", () => {
  it.each(["redis", "postgresql"])(
    "%s: passes a service with its policies in place, and fails one without",
    async (name) => {
      const line = ["drill", file, "--dependency", urls[name]!, "--json"];
      const [kept, bare] = await Promise.all([run(line), run([...line, "--protection", "none"])]);
      const [protectedReport, bareReport] = [kept, bare].map(({ stdout }) => JSON.parse(stdout) as DrillReport);
      for (const report of [protectedReport!, bareReport!]) {
        expect(report.faults.map(({ kind, happened }) => [kind, happened])).toEqual([
          ["down", true],
          ["partition", true],
        ]);
        expect(report.measures["fromDependency"]).toBeGreaterThan(10);
      }
      expect([kept.code, protectedReport]).toMatchObject([0, { verdict: "passed", measures: { answeredRatio: 1 } }]);
      expect([bare.code, bareReport]).toMatchObject([
        1,
        { verdict: "failed", measures: { fromFallback: 0, breakerRejected: 0 } },
      ]);
      expect(bareReport!.reason).toMatch(/^answeredRatio == 1 \(was 0\.\d+\)/);
      // Whoever waits for an answer waits until the server is back.
      expect(bareReport!.measures["slowestCallMs"]).toBeGreaterThan(1400);
    },
  );
});
