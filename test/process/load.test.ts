import type { LoadReport } from "holdfast/proof";
import { afterAll, beforeAll, describe, it } from "vitest";
import { prefixEnd } from "../../packages/server/src/cli/key-bytes.ts";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { run, start, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp, place, running, type Place } from "./lone-node.ts";

interface LoadDocument extends LoadReport {
  readonly workload: string;
  readonly verdict: string | null;
  readonly expectations: readonly { readonly measure: string; readonly holds: boolean | null }[];
}

let where: Place;
/** One that a test may stop. */
let stalled: { readonly where: Place; readonly node: RunningCommand };

beforeAll(async () => {
  const other = await place();
  where = await place();
  const [node] = await Promise.all([running(other), running(where)]);
  stalled = { where: other, node };
});

afterAll(cleanUp);

const line = ({ url }: Place, ...more: readonly string[]): string[] => [
  "load",
  "--endpoints",
  url,
  "--warm-up",
  "0",
  ...more,
];

/** Resolves once the command has said that its load begins. */
function begun(command: RunningCommand): Promise<unknown> {
  return until("the load begins", 20_000, () => / seed \d+\n/.test(command.stderr()));
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("holdfast load", { concurrent: true }, () => {
  it("tells of a stall what the clients of a closed loop do not see", async ({ expect }) => {
    const common = ["--workload", "put", "--duration", "3", "--value-bytes", "100", "--json"];
    const commands = [
      start(line(stalled.where, ...common, "--rate", "100", "--seed", "1")),
      start(line(stalled.where, ...common, "--mode", "closed", "--clients", "1", "--think-ms", "10", "--seed", "2")),
    ] as const;
    const client = gatewayClient({ endpoints: [stalled.where.url] });
    for (const prefix of ["load/1/", "load/2/"]) {
      const range = { key: Buffer.from(prefix), rangeEnd: prefixEnd(Buffer.from(prefix)), countOnly: true };
      await until(`writes to ${prefix}`, 20_000, async () => (await client.range(range)).count > 0);
    }
    client.close();
    stalled.node.child.kill("SIGSTOP");
    await pause(800);
    stalled.node.child.kill("SIGCONT");

    const [open, closed] = await Promise.all(
      commands.map(async ({ done }) => {
        const { code, stdout, stderr } = await done;
        expect(code, stderr).toBe(0);
        return JSON.parse(stdout) as LoadDocument;
      }),
    );
    // Both met the stall, and only one of them tells that everybody would have had to wait.
    expect(open!.latency.maxMs).toBeGreaterThan(700);
    expect(closed!.latency.maxMs).toBeGreaterThan(700);
    expect(open!.offered).toBe(300);
    expect(open!.succeeded).toBe(300);
    expect(open!.latency.p90Ms).toBeGreaterThan(350);
    expect(closed!.latency.p90Ms).toBeLessThan(open!.latency.p90Ms! / 2);
  });

  it("runs a workload over both protocols, judges it, and leaves no key behind", async ({ expect }) => {
    const common = ["--workload", "f", "--records", "100", "--duration", "1", "--rate", "50..150", "--clients", "2"];
    const [gateway, own] = await Promise.all([
      run(line(where, ...common, "--expect", "errorRatio==0,readModifyWrite.p50Ms<5000", "--json")),
      run(line(where, ...common, "--expect", "maxMs<0.001", "--protocol", "holdfast", "--seed", "7")),
    ]);
    const report = JSON.parse(gateway.stdout) as LoadDocument;
    expect(report).toMatchObject({ workload: "f", verdict: "passed", offered: 100, succeeded: 100, failures: [] });
    expect(Object.keys(report.operations).toSorted()).toEqual(["read", "readModifyWrite"]);
    expect(gateway.code).toBe(0);

    expect(own.code).toBe(1);
    expect(own.stdout).toContain("✕ maxMs < 0.001 ");
    expect(own.stdout.trimEnd().split("\n").at(-1)).toMatch(/^failed: f: 100 of 100 operations succeeded; /);
    expect(own.stderr.trimEnd().split("\n").at(-1)).toMatch(
      /^Repeat: npx holdfast load --workload f .*--protocol holdfast .*--seed 7$/,
    );
    const left = await run(["get", "load/", "--prefix", "--endpoints", where.url, "--json"]);
    expect(JSON.parse(left.stdout)).toMatchObject({ count: 0 });
  });

  it("reports what has been until it is stopped", async ({ expect }) => {
    const command = start(line(where, "--workload", "put", "--rate", "100", "--duration", "600", "--json"));
    await begun(command);
    await pause(300);
    command.child.kill("SIGINT");
    const { code, stdout } = await command.done;
    const report = JSON.parse(stdout) as LoadDocument;
    expect(code).toBe(0);
    expect(report.durationMs).toBeLessThan(60_000);
    expect(report.succeeded).toBe(report.offered);
  });

  it("says at once that nobody is there, or what the line has too much", async ({ expect }) => {
    const lines = [
      ["load", "--endpoints", "http://127.0.0.1:1"],
      ["load", "--mode", "closed", "--rate", "5"],
    ];
    const [nobody, usage] = await Promise.all(lines.map((line) => run(line)));
    expect([nobody?.code, nobody?.stderr]).toEqual([3, expect.stringContaining("no member could answer")]);
    expect([usage?.code, usage?.stderr]).toEqual([2, expect.stringContaining("--rate is of --mode open")]);
  });
});
