import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { backupFile } from "./backup-file.ts";
import { readBackup } from "./backup-reader.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-backup-"));
afterAll(() => rmSync(directory, { recursive: true }));
const path = join(directory, "backup");

async function* pieces(state: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < state.length; at += 700) yield state.subarray(at, at + 700);
}

async function write(state: Buffer): Promise<number> {
  const backup = { revision: 7, size: state.length, chunks: pieces(state), release: () => undefined };
  const { size, parts } = backupFile({ clusterId: 0xfedcba9876543210n }, backup);
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  const bytes = Buffer.concat(all);
  expect(bytes.length).toBe(size);
  writeFileSync(path, bytes);
  return size;
}

async function read(): Promise<{ readonly head: object; readonly state: Buffer }> {
  const parts: Uint8Array[] = [];
  const { head } = await readBackup(path, (bytes) => parts.push(Uint8Array.from(bytes)));
  return { head, state: Buffer.concat(parts) };
}

describe("a backup file", () => {
  it.each([0, 1, 511, 512, 513, 1024, 1_048_064, 3_000_000])("gives back %i bytes of state", async (length) => {
    const state = Buffer.alloc(length, "holdfast");
    // The remainder by which etcdctl knows that the digest is there.
    expect((await write(state)) % 512).toBe(32);
    const back = await read();
    expect(back.head).toEqual({ clusterId: 0xfedcba9876543210n, revision: 7, stateBytes: length });
    expect(back.state.equals(state)).toBe(true);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ["cut short", (bytes) => bytes.subarray(0, -1), /is cut short: it must have 1568 bytes \(got 1567\)/],
    ["longer", (bytes) => Buffer.concat([bytes, bytes]), /is cut short/],
    ["changed in its state", (bytes) => bytes.fill(1, 600, 601), /is damaged: its SHA-256 is/],
    ["changed in its digest", (bytes) => bytes.fill(1, 1567), /is damaged/],
    ["of something else", () => Buffer.from("SQLite format 3"), /is no backup of Holdfast's/],
    ["empty", () => Buffer.alloc(0), /is no backup of Holdfast's/],
  ])("is refused when it is %s", async (_, damage, message) => {
    await write(Buffer.alloc(1000, 7));
    writeFileSync(path, damage(readFileSync(path)));
    await expect(read()).rejects.toMatchObject({ exitCode: 3, message: expect.stringMatching(message) as string });
  });

  it("must be there", async () => {
    await expect(readBackup(join(directory, "none"), () => undefined)).rejects.toThrow(/cannot read .*none \(ENOENT\)/);
  });
});
