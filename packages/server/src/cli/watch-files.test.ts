import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { watchFiles } from "./watch-files.ts";

let directory: string;
let watching: { close(): void } | undefined;
let changes: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-watch-"));
  changes = 0;
});

afterEach(() => {
  watching?.close();
  rmSync(directory, { recursive: true });
});

const at = (name: string): string => join(directory, name);

function watch(intervalMs: number, ...names: string[]): void {
  watching = watchFiles(names.map(at), () => changes++, intervalMs);
}

/** Files are looked at in real time. */
async function untilChanges(count: number): Promise<void> {
  await vi.waitFor(() => expect(changes).toBe(count), { timeout: 5_000, interval: 5 });
}

it("tells a change once, whatever way the file came there", async () => {
  writeFileSync(at("a"), "1");
  writeFileSync(at("b"), "1");
  watch(5, "a", "b");
  writeFileSync(at("b"), "22");
  await untilChanges(1);
  writeFileSync(at("new"), "22");
  renameSync(at("new"), at("b"));
  await untilChanges(2);
  rmSync(at("a"));
  await untilChanges(3);
  writeFileSync(at("a"), "1");
  await untilChanges(4);
  await delay(50);
  expect(changes).toBe(4);
  watching?.close();
  writeFileSync(at("a"), "333");
  await delay(50);
  expect(changes).toBe(4);
});

it("follows links, as Kubernetes exchanges a whole directory", async () => {
  for (const version of ["1", "2"]) {
    mkdirSync(at(version));
    writeFileSync(join(at(version), "tls.crt"), version);
  }
  symlinkSync("1", at("data"));
  symlinkSync(join("data", "tls.crt"), at("tls.crt"));
  watch(5, "tls.crt");
  symlinkSync("2", at("next"));
  renameSync(at("next"), at("data"));
  await untilChanges(1);
});

it("waits until files are left alone", async () => {
  writeFileSync(at("a"), "");
  watch(60, "a");
  let text = "";
  for (let round = 0; round < 15; round++) {
    writeFileSync(at("a"), (text += "x"));
    await delay(10);
  }
  const meanwhile = changes;
  await untilChanges(meanwhile + 1);
  expect(meanwhile).toBe(0);
});
