import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const directory = join(import.meta.dirname, "..", "..", "examples");

/** The last line of each example: what it has shown. */
const lastLines: Readonly<Record<string, RegExp>> = {
  "automatic-recovery.ts": /^ok: 1 database was restarted, 2 symptoms passed, 1 person was called$/,
  "check-a-history.ts": /^ok: 120 operations have an order, the stale read has none$/,
  "double-charge.ts": /^ok: 1 of \d+ faults charges twice; with a key, no seed of 50 does$/,
  "election.ts": /^ok: 3 leaders, one after the other, 3 runs$/,
  "embedded-cluster.ts": /^ok: a cluster of three lost its leader and no write$/,
  "health-and-drain.ts": /^ok: 2 orders were answered 200 and 200 after SIGTERM, and then the door was closed$/,
  "instrumented-service.ts":
    /^ok: .*\/dashboard\/ shows GET \/quotes\/:item and POST \/orders, the bank's breaker open, its errors and the shop's health; 0 instances once it has left$/,
  "lock.ts": /^ok: 2 writes under the lock, 2 late ones refused$/,
  "payments.ts": /^ok: 14 orders are paid, 7 of them at today's rate$/,
  "redundancy.ts": /^ok: both prices are right, 2 lies were outvoted, 1 backup took over$/,
  "simulate-a-service.ts": /^ok: with a sync before each answer, 20 seeds lose nothing$/,
  "three-homes.ts": /^ok: the same turnstile counted to 20 in 2 homes$/,
  "trace-a-request.ts": /^ok: 6 spans in 1 trace, and 1 line of a log$/,
};

describe("examples", () => {
  it("are all run here", () => {
    expect(readdirSync(directory).toSorted()).toEqual(Object.keys(lastLines));
  });

  it.each(Object.entries(lastLines))("%s", async (name, lastLine) => {
    const { code, stdout, stderr } = await run(join(directory, name));
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(lastLine);
    expect(code).toBe(0);
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(path: string): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=source", path], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
