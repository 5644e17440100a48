import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, expect, it } from "vitest";
import { timedDisk } from "./timed-disk.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-timed-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("tells of what makes bytes durable, and of nothing else, and writes what it is given", async () => {
  const told: number[] = [];
  const disk = timedDisk(nodeRuntime().disk, (seconds) => told.push(seconds));
  const path = join(directory, "log");
  const plain = await disk.open(path, { create: true });
  await plain.write(0, [Buffer.from("ab")]);
  expect(told).toHaveLength(0);
  await plain.sync();
  expect(told).toHaveLength(1);
  await plain.close();
  const synced = await disk.open(path, { syncedWrites: true });
  await synced.write(2, [Buffer.from("c"), Buffer.from("d")]);
  expect(told).toHaveLength(2);
  await synced.truncate(3);
  expect([await synced.size(), Buffer.from(await synced.read(1, 9)).toString()]).toEqual([3, "bc"]);
  await synced.close();
  expect(told.every((seconds) => seconds > 0 && seconds < 10)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("abc");
  expect(await disk.list(directory)).toEqual(["log"]);
  await disk.rename(path, `${path}2`);
  await disk.syncDirectory(directory);
  await disk.remove(`${path}2`);
  expect(await disk.list(directory)).toEqual([]);
});

it("tells nothing of what has failed", async () => {
  const told: number[] = [];
  const failing = {
    ...nodeRuntime().disk,
    open: async () => ({ sync: () => Promise.reject(new Error("EIO")) }) as never,
  };
  const file = await timedDisk(failing, (seconds) => told.push(seconds)).open("x");
  await expect(file.sync()).rejects.toThrow("EIO");
  expect(told).toEqual([]);
});
