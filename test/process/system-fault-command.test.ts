import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { run, start, temporaryDirectory, until, type RunningCommand } from "./holdfast-command.ts";
import { startStruck, stateOf, type StruckProcess } from "./struck-process.ts";

const directory = temporaryDirectory();
const environment = { HOLDFAST_FAULTS_DIR: join(directory.path, "control") };
const running: StruckProcess[] = [];
const commands: RunningCommand[] = [];

async function service(agreement: string): Promise<StruckProcess> {
  const started = await startStruck(agreement, { hasPreload: true, environment });
  running.push(started);
  return started;
}

function strike(...line: readonly string[]): RunningCommand {
  const command = start(["fault", ...line, "--api", "http://127.0.0.1:0"]);
  commands.push(command);
  return command;
}

afterAll(async () => {
  for (const { child } of commands) child.kill("SIGKILL");
  for (const one of running) await one.end();
  directory.remove();
});

describe.concurrent("holdfast fault, on this machine", () => {
  it("process: paused until somebody heals, and then it runs", async () => {
    const target = await service("allow");
    const command = strike("process", String(target.pid), "pause");
    const line = await command.firstLine();
    expect(line).toMatch(/^pause-1 strikes process-\d+ for 60000 ms; Ctrl-C or `holdfast fault heal --api http:/);
    expect(stateOf(target.pid)).toBe("T");
    const [, api = ""] = /--api (\S+)`/.exec(line) ?? [];
    expect((await run(["fault", "heal", "--api", api])).stdout).toBe("1 fault taken back\n");
    const { code, stdout } = await command.done;
    expect([code, stdout.split("\n")[1]]).toEqual([0, "pause-1 is gone (healed); it struck 1 times"]);
    expect(stateOf(target.pid)).toMatch(/[RS]/);
  });

  it("clock: wrong until Ctrl-C", async () => {
    const target = await service("allow");
    const command = strike("clock", String(target.pid), "clockSkew", "--set", "byMs=-3600000");
    await command.firstLine();
    const wall = async (): Promise<number> => (await target.ask<{ wall: number }>("clocks")).wall;
    expect(Date.now() - (await wall())).toBeGreaterThan(3_000_000);
    command.child.kill("SIGINT");
    const { code, stdout } = await command.done;
    expect([code, stdout.split("\n")[1]]).toEqual([
      0,
      expect.stringMatching(/^clockSkew-1 is gone \(closed\); it struck/),
    ]);
    expect(Math.abs(Date.now() - (await wall()))).toBeLessThan(5_000);
  });

  it("pressure: ends after its time, and tells as JSON what was", async () => {
    const line = ["pressure", "memory", "--set", "bytes=1000000", "--duration-ms", "100", "--json"];
    const { code, stdout } = await strike(...line).done;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      id: "memory-1",
      target: "machine",
      state: "removed",
      reason: "expired",
    });
  });

  it("proxy --disk: a directory that can be full", async () => {
    const [real, mount] = [join(directory.path, "real"), join(directory.path, "mount")];
    for (const path of [real, mount]) mkdirSync(path);
    const line = ["--disk", real, "--mount", mount, "--name", "data", "--api", "127.0.0.1:0", "--json"];
    const proxy = start(["proxy", ...line]);
    commands.push(proxy);
    const line1 = await proxy.firstLine().catch((error: unknown) => error as Error);
    if (typeof line1 !== "string") {
      // Where file systems may not be mounted, it says so.
      expect(line1.message).toMatch(/--mount .*(?:ENOENT|permi|superuser|denied|not supported)/i);
      return;
    }
    const { api, ...ready } = JSON.parse(line1) as { readonly api: string };
    expect(ready).toMatchObject({ ready: true, name: "data", protocol: "disk", directory: real, mount });
    await writeFile(join(mount, "a"), "1");
    expect(readFileSync(join(real, "a"), "utf8")).toBe("1");
    expect((await run(["fault", "add", "data", "fullDisk", "--api", api])).code).toBe(0);
    await expect(writeFile(join(mount, "b"), "2")).rejects.toMatchObject({ code: "ENOSPC" });
    expect((await run(["fault", "heal", "--api", api])).stdout).toBe("1 fault taken back\n");
    await writeFile(join(mount, "b"), "2");
    proxy.child.kill("SIGINT");
    expect((await proxy.done).code).toBe(0);
    expect([readFileSync(join(real, "b"), "utf8"), readdirSync(mount)]).toEqual(["2", []]);
    const wrong = await run(["proxy", "--disk", real]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--disk and --mount belong together")]);
  });

  it("disk, process: only where they agreed; killed, it leaves nothing", async () => {
    writeFileSync(join(directory.path, "data"), "x");
    const refused = await strike("disk", directory.path, "corruptDisk", "--set", "file=data").done;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("this needs a file .holdfast-faults in it that says allow, or corruptDisk");
    const target = await service("pause");
    const command = strike("process", String(target.pid), "pause");
    await command.firstLine();
    expect(stateOf(target.pid)).toBe("T");
    command.child.kill("SIGKILL");
    await command.done;
    await until("it runs again", 2_000, () => /[RS]/.test(stateOf(target.pid)));
  });
});
