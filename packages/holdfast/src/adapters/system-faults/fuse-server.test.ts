import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FileFaults } from "./file-faults.ts";
import { fuseOperations as ask, number64, uint32, uint64 } from "./fuse-message.ts";
import { FuseServer } from "./fuse-server.ts";

const { ENOENT, EIO, ENOSPC, ENOSYS } = constants.errno;

describe("a file system, asked as the kernel asks", () => {
  const root = mkdtempSync(join(tmpdir(), "holdfast-fuse-"));
  const faults = new FileFaults();
  const server = new FuseServer(root, faults);
  const [user, group] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  afterAll(() => rmSync(root, { recursive: true }));

  /** The error's number, and what was answered. */
  async function put(operation: number, node: number, ...parts: readonly Buffer[]): Promise<[number, Buffer]> {
    const body = Buffer.concat(parts);
    const answer = await server.answer({ operation, number: 5n, node, user, group, body });
    if (answer === undefined) return [0, Buffer.alloc(0)];
    expect([answer.readUInt32LE(0), answer.readBigUInt64LE(8)]).toEqual([answer.length, 5n]);
    return [Math.abs(answer.readInt32LE(4)), answer.subarray(16)];
  }
  const text = (...words: readonly string[]): Buffer => Buffer.from(words.map((word) => `${word}\0`).join(""));
  const write = (handle: number, at: number, data: string): Promise<[number, Buffer]> =>
    put(ask.write, 0, uint64(handle, at), uint32(data.length, 0), uint64(0, 0), Buffer.from(data));

  it("makes, writes, reads, renames and deletes, and loses nothing that is open", async () => {
    expect((await put(ask.lookup, 1, text("a")))[0]).toBe(ENOENT);
    const [made, entry] = await put(ask.create, 1, uint32(2, 0o100_640, 0, 0), text("a"));
    expect(made).toBe(0);
    const [node, handle] = [number64(entry, 0), number64(entry, 128)];
    expect((await write(handle, 0, "hello"))[1].readUInt32LE(0)).toBe(5);
    expect((await write(handle, 3, "p!"))[0]).toBe(0);
    expect(readFileSync(join(root, "a"), "utf8")).toBe("help!");
    expect((await put(ask.rename, 1, uint64(1), text("a", "b")))[0]).toBe(0);
    expect((await put(ask.lookup, 1, text("a")))[0]).toBe(ENOENT);
    const [, found] = await put(ask.lookup, 1, text("b"));
    expect([number64(found, 0), number64(found, 48)]).toEqual([node, 5]);
    expect((await put(ask.unlink, 1, text("b")))[0]).toBe(0);
    // It has no name any more, and can still be read.
    const [, bytes] = await put(ask.read, node, uint64(handle, 1), uint32(3, 0), uint64(0, 0));
    expect(bytes.toString()).toBe("elp");
    expect((await put(ask.getattr, node, uint64(0, 0)))[0]).toBe(0);
    expect((await put(ask.release, node, uint64(handle, 0, 0)))[0]).toBe(0);
    expect((await put(ask.forget, node, uint64(2)))[0]).toBe(0);
    expect((await put(ask.getattr, node, uint64(0, 0)))[0]).toBe(ENOENT);
    expect((await put(9_999, 1))[0]).toBe(ENOSYS);
  });

  it("fails as faults have it, below their path alone", async () => {
    const [, directory] = await put(ask.mkdir, 1, uint32(0o755, 0), text("d"));
    const below = number64(directory, 0);
    const [, inside] = await put(ask.create, below, uint32(2, 0o100_600, 0, 0), text("x"));
    const [, outside] = await put(ask.create, 1, uint32(2, 0o100_600, 0, 0), text("y"));
    const [x, y] = [number64(inside, 128), number64(outside, 128)];
    faults.add("s", "failingSync", { path: join(root, "d") });
    faults.add("f", "fullDisk", { path: join(root, "d"), freeBytes: 4 });
    const sync = async (handle: number): Promise<number> => (await put(ask.fsync, 0, uint64(handle), uint32(1, 0)))[0];
    expect([await sync(x), await sync(y)]).toEqual([EIO, 0]);
    expect([(await write(x, 0, "four"))[0], (await write(x, 4, "5"))[0], (await write(y, 0, "more"))[0]]).toEqual([
      0,
      ENOSPC,
      0,
    ]);
    expect([faults.struck("s"), faults.struck("f")]).toEqual([1, 1]);
    for (const id of ["s", "f"]) faults.remove(id);
    expect([await sync(x), (await write(x, 4, "5"))[0]]).toEqual([0, 0]);
    expect(readFileSync(join(root, "d", "x"), "utf8")).toBe("four5");
    for (const handle of [x, y]) await put(ask.release, 0, uint64(handle, 0, 0));
  });
});
