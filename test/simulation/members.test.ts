import { describe, expect, it } from "vitest";
import type { FocusName } from "./focuses.ts";
import { sumFaults } from "./report.ts";
import { runSimulation, type RunResult } from "./run.ts";

async function run(focus: FocusName, seeds: readonly number[]): Promise<Record<string, number>> {
  const results: RunResult[] = [];
  for (const seed of seeds) {
    const result = await runSimulation({ seed, focus });
    expect(result.violation, `seed ${seed}`).toBeUndefined();
    expect(result.operations).toBeGreaterThan(0);
    results.push(result);
  }
  return sumFaults(results);
}

describe("a cluster whose members come and go", () => {
  it("keeps its promises while they are added, promoted, replaced and removed under partitions", async () => {
    const happened = await run("members", [1, 2, 3, 4, 5, 6]);
    expect(happened["change-made"]).toBeGreaterThan(20);
    expect(happened["change-refused"]).toBeGreaterThan(0);
    expect(happened["member-left"]).toBeGreaterThan(5);
    expect(happened["partition"]).toBeGreaterThan(20);
  });

  it("keeps them while its leaders are removed, and crash with a change begun", async () => {
    const happened = await run("changingLeaders", [1, 2, 3, 4, 5, 6]);
    expect(happened["change-made"]).toBeGreaterThan(10);
    expect(happened["change-unknown"]).toBeGreaterThan(0);
    expect(happened["crash"]).toBeGreaterThan(20);
    expect(happened["transfer"]).toBeGreaterThan(10);
  });

  it("keeps them while any member is asked to change them", async () => {
    const happened = await run("requests", [1, 2, 3, 4, 5, 6]);
    for (const kind of ["memberAdd", "memberRemove", "moveLeader"]) expect(happened[kind], kind).toBeGreaterThan(2);
    expect(happened["crash"]).toBeGreaterThan(5);
  });

  it("keeps them while machines burn down and others take their places", async () => {
    const happened = await run("lostMachines", [1, 2, 3, 4, 5, 6]);
    expect(happened["machine-lost"]).toBeGreaterThan(5);
    expect(happened["change-made"]).toBeGreaterThan(5);
  });

  it("keeps them with a witness for a third, while that fails, others are lost or removed, and history goes", async () => {
    const happened = await run("witnesses", [1, 2, 3, 4, 5, 6, 7, 8]);
    for (const kind of ["machine-lost", "witness-down"]) expect(happened[kind], kind).toBeGreaterThan(5);
    for (const kind of ["change-made", "memberRemove", "compaction"]) expect(happened[kind], kind).toBeGreaterThan(0);
  });

  it("keeps its history from where it was compacted, and tells watchers what is gone", async () => {
    const happened = await run("compactions", [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(happened["compaction"]).toBeGreaterThan(50);
    expect(happened["watch-compacted"]).toBeGreaterThan(1);
    expect(happened["crash"]).toBeGreaterThan(20);
  });
});
