import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { drills } from "../../packages/server/src/drill/catalog.ts";
import type { DrillReport } from "../../packages/server/src/drill/drill-report.ts";
import { runKillDrill } from "../../packages/server/src/drill/kill-drill.ts";
import { clientUrl } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { planOnOwnPorts } from "./free-ports.ts";
import { isRunning, run, temporaryDirectory } from "./holdfast-command.ts";

const undo: (() => void)[] = [];

afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

async function drill(...line: string[]): Promise<{ code: number | null; report: DrillReport; stderr: string }> {
  const { code, stdout, stderr } = await run(["drill", ...line, "--json", "--seconds", "2", "--clients", "4"]);
  return { code, report: JSON.parse(stdout) as DrillReport, stderr };
}

describe("holdfast drill", () => {
  it("leader-kill: the rest go on, and nothing acknowledged is lost", async () => {
    const { code, report, stderr } = await drill("leader-kill", "--runs", "2");
    expect(report).toMatchObject({
      drill: "leader-kill",
      verdict: "passed",
      reason: "",
      measures: { runs: 2, nodes: 3, clients: 4, lostWrites: 0, linearizable: true },
      history: null,
    });
    expect(code).toBe(0);
    const { measures, faults } = report;
    expect(measures.acknowledgedWrites).toBeGreaterThan(0);
    expect(measures.gapsMs).toHaveLength(2);
    for (const gapMs of measures.gapsMs) expect(gapMs).toBeGreaterThan(0);
    expect(measures.worstGapMs).toBe(Math.max(...measures.gapsMs));

    expect(faults.map((fault) => [fault.kind, fault.role])).toEqual([
      ["kill", "leader"],
      ["kill", "leader"],
    ]);
    expect(faults[1]?.term).toBeGreaterThan(faults[0]?.term ?? Infinity);
    for (const fault of faults) expect(isRunning(fault.pid)).toBe(false);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^Repeat: npx holdfast drill leader-kill /);
  });

  it("cluster-kill: all come back with everything", async () => {
    const directory = temporaryDirectory();
    undo.push(() => directory.remove());
    const { code, report } = await drill("cluster-kill", "--keep", "--data", directory.path);
    expect(report).toMatchObject({
      verdict: "passed",
      measures: { runs: 1, lostWrites: 0, linearizable: true },
    });
    expect(code).toBe(0);
    expect(report.faults.map((fault) => fault.target)).toEqual(["n1", "n2", "n3"]);
    expect(new Set(report.faults.map((fault) => fault.pid)).size).toBe(3);

    expect(report.history).toBe(join(directory.path, "history.jsonl"));
    const check = await run(["check", report.history ?? "", "--json"]);
    expect(JSON.parse(check.stdout)).toMatchObject({ verdict: "ok" });
    expect(readFileSync(report.history ?? "", "utf8").split("\n").length).toBeGreaterThan(
      report.measures.acknowledgedWrites,
    );
  });

  it("refuses a directory that holds a cluster, and leaves it alone", async () => {
    const directory = temporaryDirectory();
    undo.push(() => directory.remove());
    const first = await drill("leader-kill", "--keep", "--data", directory.path);
    expect(first.report.verdict).toBe("passed");
    const { code, stderr } = await run(["drill", "leader-kill", "--data", directory.path]);
    expect(code).toBe(3);
    expect(stderr).toContain("holds a cluster already");
    expect(existsSync(join(directory.path, "n1"))).toBe(true);
  });

  it("lists what there is", async () => {
    const { code, stdout } = await run(["drill", "list"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("leader-kill")]);
  });
});

describe("a drill", () => {
  it("notices writes that were acknowledged and are gone", async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-test-"));
    undo.push(() => rmSync(directory, { recursive: true, force: true }));
    const plan = await planOnOwnPorts(3, directory);
    const leaderKill = drills.find((candidate) => candidate.name === "leader-kill");
    if (leaderKill === undefined) throw new Error("leader-kill is missing");

    // A stranger deletes what the drill's clients wrote: to them the cluster lost it.
    const stranger = gatewayClient({ endpoints: plan.members.map(clientUrl), timeoutMs: 20_000 });
    undo.push(() => stranger.close());
    let deleted = 0;
    const report = await runKillDrill(leaderKill, {
      plan,
      runs: 1,
      // Long enough that load goes on well after the kill, when the stranger comes.
      seconds: 6,
      clients: 2,
      stop: new AbortController().signal,
      say: (text) => {
        if (!text.startsWith("run 1")) return;
        void stranger
          .deleteRange({ key: Buffer.from("acknowledged/"), rangeEnd: Buffer.from("acknowledged0") })
          .then((answer) => (deleted = answer.deleted));
      },
      saveHistory: () => {},
    });
    expect(deleted).toBeGreaterThan(0);
    expect(report.verdict).toBe("failed");
    expect(report.measures.lostWrites).toBe(deleted);
    expect(report.measures.linearizable).toBe(false);
    expect(report.reason).toMatch(/acknowledged writes are lost/);
  });
});
