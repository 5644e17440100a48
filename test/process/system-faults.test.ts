import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { appendFile, chmod, mkdir, open, readdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { diskFaultJournal, faultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import {
  directoryTarget,
  diskProxy,
  linkTarget,
  nodeTarget,
  pressureTarget,
  processTarget,
  type DiskProxy,
} from "holdfast/adapters/system-faults";
import { temporaryDirectory, until } from "./holdfast-command.ts";
import { makeNamespaces } from "./membership-namespaces.ts";
import { clocksOf, startStruck, stateOf, strike, waitsOf, type StruckProcess } from "./struck-process.ts";

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
    const target = await service(undefined, { hasPreload: true });
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
        nodeTarget({ name: "silent-node", pid: target.pid }),
        nodeTarget({ name: "no-preload", pid: stopped.pid }),
      ],
    });
    await expect(strike(faults, "silent", "pause")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(strike(faults, "nobody", "pause")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(strike(faults, "stopped", "pause")).rejects.toThrow("stopped is stopped already");
    await expect(strike(faults, "no-crash", "crash")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    expect(stateOf(target.pid)).toMatch(/[RS]/);
    await expect(strike(faults, "silent-node", "clockStop")).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(strike(faults, "no-preload", "clockStop")).rejects.toThrow("was it started with --import");
    expect((await clocksOf(target)).offMs).toBe(0);

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

/** Whether a file system of somebody's own may be mounted here. */
let mayMount = false;

const isMounted = (path: string): boolean => readFileSync("/proc/self/mounts", "utf8").includes(` ${path} fuse.`);

describe("a disk by proxy, for every program", () => {
  const codeOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "",
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );

  it("passes everything on; full, failing and slow, and then not", async () => {
    const [path, mount] = [join(directory.path, "behind"), join(directory.path, "mount")];
    for (const made of [path, mount]) mkdirSync(made);
    let proxy: DiskProxy;
    try {
      proxy = await diskProxy({ name: "disk", directory: path, mount });
      mayMount = true;
    } catch (error) {
      expect((error as Error).message).toMatch(/ENOENT|permi|superuser|denied|not supported/i);
      return;
    }
    await using faults = faultRegistry({ clock, targets: [proxy] });
    const file = join(mount, "below", "data");
    await mkdir(join(mount, "below"));
    await writeFile(join(mount, "first"), "one");
    await rename(join(mount, "first"), file);
    await appendFile(file, "two");
    await chmod(file, 0o640);
    expect(await readdir(mount)).toEqual(["below"]);
    expect([await readFile(file, "utf8"), readFileSync(join(path, "below", "data"), "utf8")]).toEqual([
      "onetwo",
      "onetwo",
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await codeOf(stat(join(mount, "first")))).toBe("ENOENT");

    const handle = await open(file, "a");
    const unsynced = await strike(faults, "disk", "failingSync", { path: "/below" });
    expect([await codeOf(handle.write("three")), await codeOf(handle.datasync())]).toEqual(["", "EIO"]);
    expect(await unsynced()).toBe(1);
    expect(await codeOf(handle.datasync())).toBe("");

    const emptied = await strike(faults, "disk", "fullDisk");
    expect(await codeOf(handle.write("four"))).toBe("ENOSPC");
    expect(await emptied()).toBe(1);

    const late = await strike(faults, "disk", "slowDisk", { extraMs: 150 });
    const askedAt = performance.now();
    await handle.sync();
    expect(performance.now() - askedAt).toBeGreaterThanOrEqual(148);
    await late();
    await handle.write("five");
    await handle.close();
    expect(await readFile(file, "utf8")).toBe("onetwothreefive");
    // A program that knows nothing of this.
    expect((await promisify(execFile)("cat", [file])).stdout).toBe("onetwothreefive");
    await unlink(file);
    expect(readdirSync(join(path, "below"))).toEqual([]);
    await proxy.close();
    expect([isMounted(mount), readdirSync(mount)]).toEqual([false, []]);
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
    const mount = join(directory.path, "left-mount");
    mkdirSync(mount);
    const child = await injector({
      pid: target.pid,
      directory: path,
      ...(mayMount ? { mount } : {}),
      requests: [
        { target: "node", kind: "clockSkew", parameters: { byMs: 1e9 }, durationMs },
        { target: "process", kind: "pause", durationMs },
        { target: "machine", kind: "memory", parameters: { bytes: 1_000_000 }, durationMs },
        { target: "machine", kind: "cpu", parameters: { share: 0.1, workers: 1 }, durationMs },
        { target: "directory", kind: "corruptDisk", parameters: { file: "data", bits: 3 }, durationMs },
      ],
    });
    expect(isMounted(mount)).toBe(mayMount);
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
    await until("nothing is mounted", 5_000, () => !isMounted(mount));
    expect(readdirSync(mount)).toEqual([]);
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
