import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { diskFaultJournal, faultRegistry, type FaultParameters, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import {
  directoryTarget,
  linkTarget,
  nodeTarget,
  pressureTarget,
  processTarget,
} from "../../packages/holdfast/src/adapters/system-faults/index.ts";
import { temporaryDirectory, until } from "./holdfast-command.ts";
import { makeNamespaces } from "./membership-namespaces.ts";
import { startStruck, stateOf, type StruckProcess } from "./struck-process.ts";

const { clock, disk } = nodeRuntime();
const directory = temporaryDirectory();
const running: StruckProcess[] = [];

async function service(...options: Parameters<typeof startStruck>): Promise<StruckProcess> {
  const [agreement, { environment, ...rest } = {}] = options;
  const control = { HOLDFAST_FAULTS_DIR: join(directory.path, "control"), ...environment };
  const started = await startStruck(agreement, { ...rest, environment: control });
  running.push(started);
  return started;
}

afterAll(async () => {
  for (const one of running) await one.end();
  directory.remove();
});

/** Begins a fault that lasts until it is taken back, which tells how often it had an effect. */
async function strike(
  faults: FaultRegistry,
  target: string,
  kind: string,
  parameters: FaultParameters = {},
): Promise<() => Promise<number>> {
  const { id } = await faults.inject({ target, kind, parameters, durationMs: 60_000 });
  return async () => (await faults.remove(id)).struck ?? 0;
}

/** Asks until so many answers have taken so long. */
async function waitsOf(target: StruckProcess, count: number, leastMs: number): Promise<void> {
  let late = 0;
  await until(`${count} late answers`, 5_000, async () => {
    const askedAt = performance.now();
    await target.ask("ticks");
    if (performance.now() - askedAt >= leastMs) late++;
    return late >= count;
  });
}

/** Whether a promise settles within a time. */
function settles(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  return Promise.race([promise.then(() => true), clock.sleep(withinMs).then(() => false)]);
}

describe.concurrent("a process", () => {
  it("pause: it stands still, and goes on where it was", async () => {
    const target = await service("allow");
    await using faults = faultRegistry({ clock, targets: [processTarget({ name: "p", pid: target.pid })] });
    const first = await strike(faults, "p", "pause");
    const second = await strike(faults, "p", "pause");
    expect(stateOf(target.pid)).toBe("T");
    const answer = target.ask("ticks");
    expect(await settles(answer, 150)).toBe(false);
    // The other one still holds it.
    expect(await first()).toBe(1);
    expect(stateOf(target.pid)).toBe("T");
    expect(await second()).toBe(1);
    expect(await answer).toBeGreaterThan(0);
    expect(stateOf(target.pid)).toMatch(/[RS]/);
  });

  it("slow: it stands still for a part of the time", async () => {
    const target = await service("slow,crash");
    await using faults = faultRegistry({ clock, targets: [processTarget({ name: "p", pid: target.pid })] });
    const lift = await strike(faults, "p", "slow", { share: 0.8, everyMs: 100 });
    await waitsOf(target, 3, 40);
    expect(await lift()).toBeGreaterThanOrEqual(3);
    expect(stateOf(target.pid)).toMatch(/[RS]/);
    // It agreed to that kind alone.
    await expect(strike(faults, "p", "pause")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    expect(faults.counts.injected).toEqual({ slow: 1 });
  });

  it("crash: it is killed or asked to end, and started again at the end", async () => {
    let target = await service("allow");
    const [first, start] = [target, async () => (target = await service("allow"))];
    await using faults = faultRegistry({
      clock,
      targets: [processTarget({ name: "p", pid: () => target.pid, start })],
    });
    const killed = await strike(faults, "p", "crash");
    expect(await first.exited).toEqual([null, "SIGKILL"]);
    // Dead: there is nobody to agree.
    await expect(strike(faults, "p", "pause")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    expect(await killed()).toBe(1);
    expect(target.pid).not.toBe(first.pid);
    expect(await target.ask("due")).toBe(false);

    const second = target;
    const ended = await strike(faults, "p", "crash", { how: "terminate" });
    expect(await second.exited).toEqual([7, null]);
    await ended();
    expect([first.pid, second.pid]).not.toContain(target.pid);
    expect(stateOf(target.pid)).toMatch(/[RS]/);
  });

  it("is not struck unless it agreed, is there, and runs", async () => {
    const target = await service(undefined);
    const stopped = await service("allow");
    stopped.child.kill("SIGSTOP");
    await until("it is stopped", 5_000, () => stateOf(stopped.pid) === "T");
    await using faults = faultRegistry({
      clock,
      targets: [
        processTarget({ name: "silent", pid: target.pid }),
        processTarget({ name: "nobody", pid: 2 ** 22 - 3 }),
        processTarget({ name: "stopped", pid: stopped.pid }),
        processTarget({ name: "no-crash", pid: stopped.pid }),
      ],
    });
    await expect(strike(faults, "silent", "pause")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(strike(faults, "nobody", "pause")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(strike(faults, "stopped", "pause")).rejects.toThrow("stopped is stopped already");
    await expect(strike(faults, "no-crash", "crash")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    expect(stateOf(target.pid)).toMatch(/[RS]/);

    // Nor is another continued that has its number by now.
    const order = { id: "pause-1", kind: "pause", parameters: {}, durationMs: 60_000 };
    const one = processTarget({ name: "p", pid: stopped.pid });
    const began = readFileSync(`/proc/${stopped.pid}/stat`, "latin1").split(") ")[1]!.split(" ")[19];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    for (const identity of [`1@${boot}`, `${began}@another`]) await one.remove(order, { pid: stopped.pid, identity });
    expect(stateOf(stopped.pid)).toBe("T");
    await one.remove(order, { pid: stopped.pid, identity: `${began}@${boot}` });
    expect(stateOf(stopped.pid)).toMatch(/[RS]/);
  });
});

interface Clocks {
  readonly wall: number;
  readonly made: number;
  readonly text: number;
  readonly mono: number;
  readonly hr: number;
  readonly old: number;
  readonly isDate: boolean;
}

/** How far the clocks of a service are from this process's. */
async function clocksOf(target: StruckProcess): Promise<Clocks & { readonly offMs: number }> {
  const before = Date.now();
  const clocks = await target.ask<Clocks>("clocks");
  const after = Date.now();
  // Within the time of the question nobody knows better.
  const offMs = clocks.wall < before ? clocks.wall - before : Math.max(0, clocks.wall - after);
  return { ...clocks, offMs };
}

describe.concurrent("the clocks of a Node process", () => {
  async function struckNode(): Promise<{ target: StruckProcess; faults: FaultRegistry }> {
    const target = await service("allow", { hasPreload: true });
    return { target, faults: faultRegistry({ clock, targets: [nodeTarget({ name: "n", pid: target.pid })] }) };
  }

  it("skew: the wall clock alone is wrong, and exact again", async () => {
    const { target, faults } = await struckNode();
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
    await faults.close();
  });

  it("stop: both stand still and nothing comes due; then they catch up", async () => {
    const { target, faults } = await struckNode();
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
    await faults.close();
  });

  it("drift and jump: time passes faster, and what waits comes due; then at its pace, never back", async () => {
    const { target, faults } = await struckNode();
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
    await faults.close();
  });

  it("are not struck where it did not agree, or has no preload", async () => {
    const silent = await service(undefined, { hasPreload: true });
    const bare = await service("allow");
    await using faults = faultRegistry({
      clock,
      targets: [nodeTarget({ name: "silent", pid: silent.pid }), nodeTarget({ name: "bare", pid: bare.pid })],
    });
    await expect(strike(faults, "silent", "clockStop")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(strike(faults, "bare", "clockStop")).rejects.toThrow("was it started with --import");
    expect((await clocksOf(silent)).offMs).toBe(0);
  });
});

describe.concurrent("the files and the loop of a Node process", () => {
  it("full disk, failing sync, failing and slow disk, all ways of writing, and nowhere else", async () => {
    const target = await service("allow", { hasPreload: true });
    await using faults = faultRegistry({ clock, targets: [nodeTarget({ name: "n", pid: target.pid })] });
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
    const target = await service("allow", { hasPreload: true });
    await using faults = faultRegistry({ clock, targets: [nodeTarget({ name: "n", pid: target.pid })] });
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
});

/** The children of a process: their numbers, and what they were started with. */
function childrenOf(pid: number): { readonly pid: number; readonly line: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "latin1");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        if (parent !== pid) return [];
        return [{ pid: Number(name), line: readFileSync(`/proc/${name}/cmdline`, "latin1") }];
      } catch {
        return [];
      }
    });
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
}

const pressing = (pid: number, on: string): number | undefined =>
  childrenOf(pid).find(({ line }) => line.includes(`"on":"${on}"`))?.pid;

describe("the machine", () => {
  it("cpu and memory: a child takes what was asked for, and ends", async () => {
    await using faults = faultRegistry({ clock, targets: [pressureTarget({ leaveFreeBytes: 0 })] });
    const idle = await strike(faults, "machine", "cpu", { workers: 1, share: 0.5 });
    const burning = pressing(process.pid, "cpu")!;
    const [before, beganAt] = [cpuTicks(burning), performance.now()];
    await until("it has worked", 10_000, () => cpuTicks(burning) - before >= 15);
    const tookMs = (cpuTicks(burning) - before) * 10;
    // Half of the time, and less where others want the processor.
    expect(tookMs).toBeLessThan((performance.now() - beganAt) * 0.5 + 100);
    await idle();
    expect(stateOf(burning)).toMatch(/gone|Z/);

    const bytes = 64 * 1024 * 1024;
    const release = await strike(faults, "machine", "memory", { bytes });
    const holding = pressing(process.pid, "memory")!;
    expect(residentBytes(holding)).toBeGreaterThan(bytes);
    await release();
    expect(stateOf(holding)).toMatch(/gone|Z/);
    await expect(strike(faults, "machine", "memory", { bytes: 2 ** 49 })).rejects.toThrow("it would leave");
    await expect(strike(faults, "machine", "cpu", { workers: 5_000 })).rejects.toThrow("parameters.workers must be");
  });
});

describe("a directory", () => {
  const mounted: string[] = [];
  afterAll(() => {
    for (const path of mounted) spawnSync("umount", [path]);
  });

  /** A file system of its own, where that may be had. */
  function mountSmall(path: string): string | undefined {
    mkdirSync(path);
    const line = ["-t", "tmpfs", "-o", "size=8m", "none", path];
    const { status, stderr } = spawnSync("mount", line, { encoding: "utf8" });
    if (status !== 0) return stderr || "cannot be run";
    mounted.push(path);
    return undefined;
  }

  const write = (path: string): string => {
    try {
      writeFileSync(path, Buffer.alloc(256 * 1024));
      return "";
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? "";
    }
  };

  it("full: there is no room for anybody, and then there is", async () => {
    const path = join(directory.path, "small");
    const refusal = mountSmall(path);
    if (refusal !== undefined) {
      expect(refusal).toMatch(/permi|superuser|denied|cannot be run/i);
      return;
    }
    await using faults = faultRegistry({
      clock,
      targets: [directoryTarget({ name: "d", directory: path, leaveFreeBytes: 0 })],
    });
    await expect(strike(faults, "d", "fullDisk")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    writeFileSync(join(path, ".holdfast-faults"), "fullDisk\n");
    await expect(strike(faults, "d", "corruptDisk", { file: "x" })).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    const lift = await strike(faults, "d", "fullDisk");
    expect(write(join(path, "file"))).toBe("ENOSPC");
    await lift();
    expect(write(join(path, "file"))).toBe("");
    expect(readdirSync(path).toSorted()).toEqual([".holdfast-faults", "file"]);
  });

  it("corrupt: bits of a file turn, and turn back where nobody has written since", async () => {
    const path = join(directory.path, "bits");
    mkdirSync(path);
    writeFileSync(join(path, ".holdfast-faults"), "allow");
    const file = join(path, "data");
    const whole = Buffer.alloc(1_000, 7);
    writeFileSync(file, whole);
    await using faults = faultRegistry({ clock, targets: [directoryTarget({ name: "d", directory: path })] });
    const wrongBits = (bytes: Buffer): number =>
      bytes.reduce((sum, byte, at) => sum + (byte ^ whole[at]!).toString(2).replaceAll("0", "").length, 0);
    const lift = await strike(faults, "d", "corruptDisk", { file: "data", bits: 5 });
    const struck = readFileSync(file);
    expect(wrongBits(struck)).toBe(5);
    // One of the bytes is written anew meanwhile.
    const at = struck.findIndex((byte, place) => byte !== whole[place]);
    writeFileSync(file, struck.fill(99, at, at + 1));
    await lift();
    expect(readFileSync(file)).toEqual(Buffer.from(whole).fill(99, at, at + 1));
    await expect(strike(faults, "d", "corruptDisk", { file: "../elsewhere-outside" })).rejects.toThrow();
    writeFileSync(join(directory.path, "outside"), "outside");
    await expect(strike(faults, "d", "corruptDisk", { file: "../outside" })).rejects.toThrow("is not in");
  });
});

describe("a link", () => {
  it("down: nothing passes, and then it does, with its routes", async () => {
    let cable: ReturnType<typeof makeNamespaces>;
    try {
      cable = makeNamespaces();
    } catch (error) {
      expect((error as Error).message).toMatch(/ENOENT|not permitted|denied/i);
      return;
    }
    const inA = (...line: readonly string[]): string =>
      spawnSync("ip", ["netns", "exec", cable.a.name, ...line], { encoding: "utf8" }).stdout;
    const routes = (): string => inA("ip", "-o", "route", "show", "dev", "cable");
    try {
      inA("ip", "route", "add", "10.214.0.0/16", "via", cable.b.host, "dev", "cable");
      const before = routes();
      expect(before).toContain("10.214.0.0/16");
      await using faults = faultRegistry({
        clock,
        targets: [linkTarget({ name: "cable", link: "cable", namespace: cable.a.name })],
      });
      const first = await strike(faults, "cable", "down");
      const second = await strike(faults, "cable", "down");
      expect(inA("ip", "-o", "link", "show", "dev", "cable")).not.toMatch(/[<,]UP[,>]/);
      expect(routes()).toBe("");
      await first();
      expect(routes()).toBe("");
      await second();
      expect(inA("ip", "-o", "link", "show", "dev", "cable")).toMatch(/[<,]UP[,>]/);
      expect(
        routes()
          .split("\n")
          .map((line) => line.replace("linkdown", "").trim())
          .toSorted(),
      ).toEqual(
        before
          .split("\n")
          .map((line) => line.trim())
          .toSorted(),
      );
    } finally {
      cable.remove();
    }
  });
});

describe("an injector that is gone", () => {
  async function injector(work: object): Promise<ChildProcess> {
    const script = join(import.meta.dirname, "system-fault-injector.ts");
    const line = ["--conditions=source", script, JSON.stringify(work)];
    const child = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    return child;
  }

  const guarding = (pid: number): number | undefined =>
    childrenOf(pid).find(({ line }) => line.includes("SIGCONT"))?.pid;

  it("killed: within two seconds everything is as before, whatever it had done", async () => {
    const target = await service("allow", { hasPreload: true });
    const path = join(directory.path, "left");
    mkdirSync(path);
    writeFileSync(join(path, ".holdfast-faults"), "allow");
    writeFileSync(join(path, "data"), "as it was");
    const durationMs = 60_000;
    const child = await injector({
      pid: target.pid,
      directory: path,
      requests: [
        { target: "node", kind: "clockSkew", parameters: { byMs: 1e9 }, durationMs },
        { target: "process", kind: "pause", durationMs },
        { target: "machine", kind: "memory", parameters: { bytes: 1_000_000 }, durationMs },
        { target: "machine", kind: "cpu", parameters: { share: 0.1, workers: 1 }, durationMs },
        { target: "directory", kind: "corruptDisk", parameters: { file: "data", bits: 3 }, durationMs },
      ],
    });
    const pressure = [pressing(child.pid!, "memory")!, pressing(child.pid!, "cpu")!];
    expect(stateOf(target.pid)).toBe("T");
    expect(pressure.map(stateOf)).toEqual([expect.stringMatching(/[RS]/), expect.stringMatching(/[RS]/)]);
    expect(readFileSync(join(path, "data"), "latin1")).not.toBe("as it was");
    // Not without a guard, whatever becomes of it.
    const guard = guarding(child.pid!);
    process.kill(guard!, "SIGKILL");
    await until("there is another", 5_000, () => ![guard, undefined].includes(guarding(child.pid!)));
    await clock.sleep(200);
    expect(stateOf(target.pid)).toBe("T");
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await until("it runs again", 2_000, () => /[RS]/.test(stateOf(target.pid)));
    await until("the pressure is gone", 2_000, () => pressure.every((pid) => /gone|Z/.test(stateOf(pid))));
    await until("the clock is right", 2_000, async () => (await clocksOf(target)).offMs === 0);
    await until("the bits are right", 2_000, () => readFileSync(join(path, "data"), "latin1") === "as it was");
  });

  it("hanging: the fault ends soon after its time; and what even the guard left, the next start takes back", async () => {
    const target = await service("allow");
    const journal = join(directory.path, "journal");
    const request = { target: "process", kind: "pause", durationMs: 600 };
    const child = await injector({ pid: target.pid, directory: directory.path, journal, requests: [request] });
    child.kill("SIGSTOP");
    expect(stateOf(target.pid)).toBe("T");
    await until("it runs again", 3_000, () => /[RS]/.test(stateOf(target.pid)));
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;

    // As if both had been killed.
    target.child.kill("SIGSTOP");
    await until("it is stopped", 5_000, () => stateOf(target.pid) === "T");
    await using next = faultRegistry({
      clock,
      targets: [processTarget({ name: "process", pid: target.pid })],
      journal: await diskFaultJournal({ disk, directory: journal }),
    });
    expect((await next.recovered).removed).toMatchObject([{ kind: "pause", reason: "recovered" }]);
    expect(stateOf(target.pid)).toMatch(/[RS]/);
  });
});
