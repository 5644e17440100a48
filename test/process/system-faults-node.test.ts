import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faultRegistry, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { nodeTarget } from "holdfast/adapters/system-faults";
import { temporaryDirectory, until } from "./holdfast-command.ts";
import { clocksOf, startStruck, strike, waitsOf, type StruckProcess } from "./struck-process.ts";

const { clock } = nodeRuntime();

function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

describe("a Node process, from within", () => {
  const directory = temporaryDirectory();
  let target: StruckProcess;
  let faults: FaultRegistry;

  beforeAll(async () => {
    const environment = { HOLDFAST_FAULTS_DIR: join(directory.path, "control") };
    target = await startStruck("allow", { hasPreload: true, environment });
    faults = faultRegistry({ clock, targets: [nodeTarget({ name: "n", pid: target.pid })] });
  });
  afterAll(async () => {
    await faults?.close();
    await target?.end();
    directory.remove();
  });

  it("skew: the wall clock alone is wrong, and exact again", async () => {
    const before = await clocksOf(target);
    expect([before.offMs, before.isDate]).toEqual([0, true]);
    const lift = await strike(faults, "n", "clockSkew", { byMs: -3_600_000 });
    const during = await clocksOf(target);
    expect(Math.abs(during.offMs + 3_600_000)).toBeLessThan(1_000);
    for (const value of [during.made, during.text]) expect(Math.abs(value - during.wall)).toBeLessThan(1_500);
    expect(during.mono - before.mono).toBeLessThan(10_000);
    expect(during.isDate).toBe(true);
    expect(await lift()).toBeGreaterThanOrEqual(3);
    expect((await clocksOf(target)).offMs).toBe(0);
  });

  it("stop: both stand still and nothing comes due; then they catch up", async () => {
    const lift = await strike(faults, "n", "clockStop");
    await target.ask("arm", { ms: 20 });
    const [first, ticks] = [await clocksOf(target), await target.ask<number>("ticks")];
    await clock.sleep(200);
    const second = await clocksOf(target);
    expect([second.wall, second.mono, second.hr]).toEqual([first.wall, first.mono, first.hr]);
    expect(await target.ask("ticks")).toBe(ticks);
    expect(await target.ask("due")).toBe(false);
    await lift();
    await until("it comes due", 5_000, () => target.ask("due"));
    const third = await clocksOf(target);
    expect(third.offMs).toBe(0);
    expect(third.mono - first.mono).toBeGreaterThanOrEqual(200);
    await until("it ticks", 5_000, async () => (await target.ask<number>("ticks")) > ticks + 3);
  });

  it("drift and jump: time passes faster, and what waits comes due; then at its pace, never back", async () => {
    const before = await clocksOf(target);
    const lift = await strike(faults, "n", "clockDrift", { ppm: 9_000_000 });
    const startedAt = performance.now();
    expect(await target.ask("wait", { ms: 1_000 })).toBe("ABORT_ERR");
    // Three of them, one after the other.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const during = await clocksOf(target);
    expect(during.mono - before.mono).toBeGreaterThanOrEqual(3_000);
    expect(during.hr - before.hr).toBeGreaterThanOrEqual(3_000);
    expect(during.offMs).toBeGreaterThan(500);
    expect(await lift()).toBeGreaterThan(0);
    const after = await clocksOf(target);
    expect(after.offMs).toBe(0);
    expect(after.mono).toBeGreaterThanOrEqual(during.mono);

    await target.ask("arm", { ms: 50_000 });
    const land = await strike(faults, "n", "clockJump", { byMs: 60_000 });
    await until("it comes due", 5_000, () => target.ask("due"));
    expect((await clocksOf(target)).offMs).toBeGreaterThan(59_000);
    await land();
    expect((await clocksOf(target)).offMs).toBe(0);
    const waitedAt = performance.now();
    await target.ask("wait", { ms: 50 });
    expect(performance.now() - waitedAt).toBeGreaterThanOrEqual(145);
  });

  it("full disk, failing sync, failing and slow disk, all ways of writing, and nowhere else", async () => {
    const data = join(directory.path, "data");
    mkdirSync(data);
    const path = join(data, "log");
    const elsewhere = join(directory.path, "elsewhere");
    const ways = ["callback", "stream", "promise", "whole", "syncedWrite"];
    const writeAll = (to: string): Promise<unknown[]> => Promise.all(ways.map((way) => target.ask(way, { path: to })));
    const fine = { write: "", sync: "" };

    const emptied = await strike(faults, "n", "fullDisk", { path: data });
    expect(await writeAll(path)).toEqual(ways.map(() => "ENOSPC"));
    for (const way of ["append", "appendSync"]) {
      expect(await target.ask(way, { path })).toEqual({ write: "ENOSPC", sync: "" });
      expect(await target.ask(way, { path: elsewhere })).toEqual(fine);
    }
    expect(await emptied()).toBe(7);
    expect(await writeAll(path)).toEqual(ways.map(() => ""));

    const some = await strike(faults, "n", "fullDisk", { path: data, freeBytes: 25 });
    expect(await target.ask("append", { path })).toEqual(fine);
    expect(await target.ask("promise", { path })).toBe("");
    expect(await target.ask("callback", { path })).toBe("ENOSPC");
    expect(await some()).toBe(1);

    const unsynced = await strike(faults, "n", "failingSync", { path });
    for (const way of ["append", "appendSync"]) {
      expect(await target.ask(way, { path })).toEqual({ write: "", sync: "EIO" });
    }
    expect(await target.ask("syncedWrite", { path })).toBe("EIO");
    expect(await unsynced()).toBe(3);
    expect(await target.ask("append", { path })).toEqual(fine);

    const broken = await strike(faults, "n", "failingDisk", { path: data, of: "write" });
    expect(await writeAll(path)).toEqual(ways.map(() => "EIO"));
    await broken();

    const late = await strike(faults, "n", "slowDisk", { path: data, extraMs: 120 });
    for (const way of ["append", "appendSync"]) {
      const askedAt = performance.now();
      expect(await target.ask(way, { path })).toEqual(fine);
      expect(performance.now() - askedAt).toBeGreaterThanOrEqual(118);
    }
    expect(await late()).toBe(2);
    expect(readFileSync(elsewhere, "utf8")).toBe("0123456789".repeat(2));
  });

  it("a blocked loop answers late; a process without descriptors opens nothing", async () => {
    const lift = await strike(faults, "n", "blockedLoop", { share: 0.9, everyMs: 200 });
    await waitsOf(target, 2, 80);
    expect(await lift()).toBeGreaterThanOrEqual(2);

    const open = (): Promise<unknown> => target.ask("open", { path: "/dev/null" });
    const closed = await strike(faults, "n", "openFiles");
    expect(await open()).toBe("EMFILE");
    expect(await closed()).toBe(1);
    expect(await open()).toBe("");
    expect(readdirSync(`/proc/${target.pid}/fd`).length).toBeLessThan(60);
  });

  it("memory: holds it, and lets it go", async () => {
    const bytes = 100_000_000;
    const before = residentBytes(target.pid);
    const lift = await strike(faults, "n", "memory", { bytes });
    expect(residentBytes(target.pid)).toBeGreaterThan(before + 0.9 * bytes);
    expect(await lift()).toBe(1);
    await until("it is given back", 5_000, () =>
      target.ask("collect").then(() => residentBytes(target.pid) < before + 0.5 * bytes),
    );
  });

  it("tells how often a fault has struck while it goes on, also when nobody else asks for the time", async () => {
    const own = nodeTarget({ name: "n", pid: target.pid });
    const order = { id: "skew", kind: "clockSkew", parameters: { byMs: 1_000 }, durationMs: 60_000 };
    await own.inject(order, null);
    expect(own.struck?.("skew")).toBe(0);
    const looks = await Promise.all([own.look("skew"), own.look("skew")]);
    expect([...looks, own.struck?.("skew")]).toEqual([1, 2, 2]);
    await own.remove(order, null);
    expect(await own.look("skew")).toBe(2);
  });
});
