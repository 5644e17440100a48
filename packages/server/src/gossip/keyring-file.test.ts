import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCipher } from "holdfast/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openKeyringFile } from "./keyring-file.ts";

const [a, b, c] = ["a", "b", "c"].map((letter) => Buffer.alloc(32, letter).toString("base64")) as [
  string,
  string,
  string,
];
const eight = Array.from({ length: 8 }, (_, at) => Buffer.alloc(32, at + 1).toString("base64"));
let directory = "";
let path = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-keyring-"));
  path = join(directory, "keyring.json");
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function write(keys: unknown): void {
  writeFileSync(path, typeof keys === "string" ? keys : JSON.stringify(keys), { mode: 0o600 });
}

function ids(keys: readonly string[]): string[] {
  return keys.map((key) => nodeCipher().importKey(Buffer.from(key, "base64")).id);
}

describe("a keyring that follows a file", () => {
  it("has the file's keys, the first one to seal with", () => {
    write([a, b]);
    expect(openKeyringFile(path).keyring.ids).toEqual(ids([a, b]));
  });

  it.each([
    [[a], [a, b]],
    [
      [a, b],
      [b, a],
    ],
    [[b, a], [b]],
    [[a], [b]],
    [
      [a, b],
      [c, a],
    ],
    [eight, [...eight.slice(1), a]],
    [eight, eight.toReversed()],
  ])("goes from %j to %j in one reload", (before, after) => {
    write(before);
    const { keyring, reload } = openKeyringFile(path);
    write(after);
    reload();
    expect(keyring.ids).toEqual(ids(after));
  });

  it.each([
    ["{", "is not JSON"],
    [{}, "must hold 1 to 8 keys"],
    [[], "must hold 1 to 8 keys"],
    [[...eight, a], "must hold 1 to 8 keys"],
    [[a, 7], "must hold base64 of 32 bytes at [1]"],
    [[a.slice(4)], "must hold base64 of 32 bytes at [0]"],
    [[` ${a}`], "must hold base64 of 32 bytes at [0]"],
    [[a.replace("=", "")], "must hold base64 of 32 bytes at [0]"],
    [[a, a], "must not hold a key twice"],
    [" ".repeat(70_000), "is larger than 65536 bytes"],
  ])("is refused as %.20j, and stays what it was when that comes later", (malformed, rule) => {
    write(malformed);
    const message = `the keyring ${path} ${rule}`;
    expect(() => openKeyringFile(path)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) as string }),
    );
    write([a, b]);
    const { keyring, reload } = openKeyringFile(path);
    write(malformed);
    expect(reload).toThrow(message);
    expect(keyring.ids).toEqual(ids([a, b]));
  });

  it("tells no secret in what it refuses", () => {
    write([a, `${b}!`]);
    expect(() => openKeyringFile(path)).toThrow(expect.not.stringContaining(b.slice(0, 10)) as string);
    write(a);
    let said = "";
    try {
      openKeyringFile(path);
    } catch (error) {
      said = `${(error as Error).message} ${JSON.stringify(error)}`;
    }
    expect(said).toContain("is not JSON");
    expect(said).not.toContain(a.slice(0, 10));
  });

  it("is refused where it cannot be read", () => {
    expect(() => openKeyringFile(path)).toThrow(
      expect.objectContaining({ exitCode: 3, message: `the keyring ${path} cannot be read (ENOENT)` }),
    );
  });

  it("says whether others may read it", () => {
    write([a]);
    expect(openKeyringFile(path).isExposed).toBe(false);
    chmodSync(path, 0o640);
    // Windows has no such bits.
    expect(openKeyringFile(path).isExposed).toBe(process.platform !== "win32");
  });
});
