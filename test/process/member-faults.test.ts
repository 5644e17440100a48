import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "./holdfast-command.ts";

const preload = fileURLToPath(new URL("../../packages/server/src/drill/member-faults.ts", import.meta.url));

/** At each line it is told: writes to a file as a member does, and prints what it saw and by its clocks how long it took. */
const program = `
import { openSync, writev, fdatasync } from "node:fs";
import { createInterface } from "node:readline";
const file = openSync(process.argv[1], "a");
const write = () => new Promise((done) => writev(file, [Buffer.from("x")], (error) => done(error?.code ?? "ok")));
const sync = () => new Promise((done) => fdatasync(file, (error) => done(error?.code ?? "ok")));
for await (const line of createInterface({ input: process.stdin })) {
  const began = performance.now();
  const [wrote, synced] = [await write(), await sync()];
  const wroteMs = performance.now() - began;
  const timerBegan = performance.now();
  await new Promise((done) => setTimeout(done, 100));
  const timerMs = performance.now() - timerBegan;
  const memory = process.memoryUsage().arrayBuffers;
  console.log(JSON.stringify({ wrote, synced, wroteMs, timerMs, wall: Date.now(), memory }));
}
`;

interface Seen {
  readonly wrote: string;
  readonly wroteMs: number;
  readonly timerMs: number;
  readonly wall: number;
  readonly memory: number;
}

let child: ChildProcess;
let lines: AsyncIterator<string>;
const directory = temporaryDirectory();
const file = join(directory.path, "written");
let orders = 0;

beforeAll(() => {
  const line = ["--import", preload, "--input-type=module", "--eval", program, file];
  child = spawn(process.execPath, line, { stdio: ["pipe", "pipe", "inherit", "ipc"] });
  lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
});

afterAll(async () => {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  // With nothing left to do it ends: the channel for orders does not hold it.
  child.stdin?.end();
  expect(await ended).toBe(0);
  directory.remove();
});

async function look(): Promise<Seen> {
  child.stdin!.write("look\n");
  return JSON.parse(String((await lines.next()).value)) as Seen;
}

function order(what: "begin" | "end" | "look", kind: string, parameters: Record<string, number> = {}): Promise<number> {
  const id = ++orders;
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      const answer = message as { readonly id: number; readonly struck: number };
      if (answer.id !== id) return;
      child.off("message", listen);
      resolve(answer.struck);
    };
    child.on("message", listen);
    child.send({ id, do: what, kind, parameters });
  });
}

/** What the process sees while a fault lasts, how often that struck, and what it sees afterwards. */
async function during(
  kind: string,
  parameters: Record<string, number> = {},
): Promise<{ seen: Seen; struck: number; after: Seen }> {
  await order("begin", kind, parameters);
  const seen = await look();
  const struck = await order("end", kind);
  return { seen, struck, after: await look() };
}

describe("faults inside a member", () => {
  it("slowDisk: writes and syncs take longer, and are done", async () => {
    const before = readFileSync(file, { flag: "a+" }).length;
    const { seen, struck, after } = await during("slowDisk", { extraMs: 200 });
    expect(seen.wroteMs).toBeGreaterThanOrEqual(395);
    expect(after.wroteMs).toBeLessThan(seen.wroteMs);
    expect([seen.wrote, struck, readFileSync(file).length]).toEqual(["ok", 2, before + 2]);
  });

  it("fullDisk: nothing can be written, until it is over", async () => {
    const before = readFileSync(file).length;
    const { seen, struck, after } = await during("fullDisk");
    expect([seen.wrote, struck, after.wrote]).toEqual(["ENOSPC", 1, "ok"]);
    expect(readFileSync(file).length).toBe(before + 1);
  });

  it("clockSkew: the time of day is wrong, and right again", async () => {
    const { seen, struck, after } = await during("clockSkew", { byMs: -3_600_000 });
    expect(Math.abs(seen.wall - (Date.now() - 3_600_000))).toBeLessThan(60_000);
    expect(Math.abs(after.wall - Date.now())).toBeLessThan(60_000);
    expect(struck).toBe(1);
  });

  it("clockDrift: its clocks and timers are ten times as fast, and then as ours", async () => {
    const [began, before] = [performance.now(), await look()];
    await order("begin", "clockDrift", { ppm: 9_000_000 });
    const timers = [await look(), await look(), await look(), await look()];
    const elapsedMs = performance.now() - began;
    expect(await order("end", "clockDrift")).toBeGreaterThan(0);
    // By its own clock a timer is as long as ever.
    for (const { timerMs } of timers) expect(timerMs).toBeGreaterThanOrEqual(95);
    expect(timers[3]!.wall - before.wall).toBeGreaterThan(2 * elapsedMs);
    const [again, after] = [await look(), performance.now()];
    const later = await look();
    expect(later.wall - again.wall).toBeLessThan(performance.now() - after + 50);
    // What it has gained stays: monotonic time never goes back.
    expect(again.timerMs).toBeGreaterThanOrEqual(95);
  });

  it("blockedLoop: the process does little else", async () => {
    await order("begin", "blockedLoop", { share: 0.9, everyMs: 300 });
    const seen = [await look(), await look(), await look()];
    expect(Math.max(...seen.map(({ timerMs }) => timerMs))).toBeGreaterThan(200);
    expect(await order("end", "blockedLoop")).toBeGreaterThan(0);
  });

  it("memory: the process holds it, and lets it go", async () => {
    const bytes = 64 * 1024 * 1024;
    const { seen, struck } = await during("memory", { bytes });
    expect(seen.memory).toBeGreaterThanOrEqual(bytes);
    expect(struck).toBe(1);
  });
});
