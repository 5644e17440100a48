import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimGeneration, lockDirectory } from "./node-lock.ts";
import type { DirectoryLock } from "./runtime.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-lock-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** A process that takes the lock, says how that went, and then waits to be killed. */
function holder(): { outcome: Promise<string>; kill: () => Promise<void> } {
  const module = JSON.stringify(new URL("./node-lock.ts", import.meta.url).href);
  const script = `
    const { lockDirectory } = await import(${module});
    const outcome = await lockDirectory(process.argv[1]).then(() => "locked", (error) => error.code);
    process.stdout.write(outcome);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return {
    outcome: once(child.stdout, "data").then(([chunk]) => String(chunk)),
    async kill() {
      if (child.kill("SIGKILL")) await once(child, "exit");
    },
  };
}

const elsewhere = (started: string, pid = process.pid): string => JSON.stringify({ pid, started });

describe("lockDirectory", () => {
  it("gives a directory to one of several processes that start together, and to another when that one is killed", async () => {
    const first = Array.from({ length: 3 }, holder);
    const outcomes = await Promise.all(first.map((one) => one.outcome));
    expect(outcomes.toSorted()).toEqual(["ELOCKED", "ELOCKED", "locked"]);
    await expect(lockDirectory(directory)).rejects.toThrow(/ELOCKED: directory is locked by process \d+, lock '/);
    await Promise.all(first.map((one) => one.kill()));
    const lock = await lockDirectory(directory);
    await lock.release();
  }, 20_000);

  it.each([
    ["a process number that is used again", elsewhere("another boot:123")],
    ["a process that is gone", elsewhere("another boot:123", 2 ** 22 + 1)],
    ["a file that lost its bytes with the machine", '{"pid": 1'],
  ])("takes over from %s", async (_, content) => {
    await writeFile(join(directory, "LOCK.7"), content);
    await writeFile(join(directory, "LOCK.6"), content);
    const lock = await lockDirectory(directory);
    expect(await readdir(directory)).toEqual(["LOCK.8"]);
    await lock.release();
  });

  it("lets one of many take over, and never two at a time, however they interleave", async () => {
    await writeFile(join(directory, "LOCK.3"), elsewhere("another boot:123"));
    let holders = 0;
    let taken = 0;
    const worker = async (): Promise<void> => {
      for (let tries = 0; tries < 25; tries++) {
        let lock: DirectoryLock;
        try {
          lock = await lockDirectory(directory);
        } catch (error) {
          expect(error).toMatchObject({ code: "ELOCKED" });
          continue;
        }
        taken++;
        expect(++holders).toBe(1);
        await new Promise(setImmediate);
        holders--;
        await lock.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(taken).toBeGreaterThan(3);
    const left = (await readdir(directory)).filter((name) => name.startsWith("."));
    expect(left).toEqual([]);
  });

  it.each([
    ["another took over meanwhile", ["LOCK.3", "LOCK.2"], false],
    ["others took over and cleaned up meanwhile", ["LOCK.5"], false],
    ["others cleaned up, and the latest was not listed", [], false],
    ["nothing has changed", ["LOCK.2"], true],
  ])("claims the generation after the one it saw only if that is still the latest: %s", async (_, files, claimed) => {
    for (const name of [...files, "draft"]) await writeFile(join(directory, name), "");
    expect(await claimGeneration(directory, join(directory, "draft"), 3)).toBe(claimed);
    const left = (await readdir(directory)).filter((name) => name !== "draft");
    expect(left).toEqual([...files, ...(claimed ? ["LOCK.3"] : [])].toSorted());
  });
});
