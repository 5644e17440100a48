import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { DiskFile } from "../runtime/index.ts";
import { declareTests, type RuntimeSuite } from "./conformance-suite.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function textOf(file: DiskFile): Promise<string> {
  return new TextDecoder().decode(await file.read(0, await file.size()));
}

export function diskConformance(suite: RuntimeSuite): void {
  declareTests(suite, "disk", {
    async "writes parts at an offset and reads them back, fewer at the end"({ disk }, { directory }) {
      const file = await disk.open(`${directory}/a`, { create: true });
      equal(await file.size(), 0);
      await file.write(0, [encode("hello "), new Uint8Array(0), encode("world")]);
      await file.write(6, [encode("W")]);
      await file.sync();
      equal(await textOf(file), "hello World");
      equal((await file.read(6, 100)).length, 5);
      equal((await file.read(100, 5)).length, 0);
      await file.write(20, []);
      equal(await file.size(), 11);
      await file.close();
    },
    async "with synced writes, writes and reads as ever, from one descriptor or another"({ disk }, { directory }) {
      const file = await disk.open(`${directory}/a`, { create: true, syncedWrites: true });
      await file.write(0, [encode("one "), encode("two")]);
      await file.sync();
      equal(await textOf(file), "one two");
      await file.close();
      await rejects(file.write(0, [encode("x")]), { code: "EBADF" });
      const again = await disk.open(`${directory}/a`);
      equal(await textOf(again), "one two");
      await again.close();
    },
    async "takes thousands of parts in one write"({ disk }, { directory }) {
      const file = await disk.open(`${directory}/parts`, { create: true });
      const parts = Array.from({ length: 3000 }, (_, index) => new Uint8Array(index % 7).fill(index));
      await file.write(3, parts);
      deepEqual(await file.read(3, 100_000), new Uint8Array(Buffer.concat(parts)));
      await file.close();
    },
    async "holes and extensions read as zeros"({ disk }, { directory }) {
      const file = await disk.open(`${directory}/holes`, { create: true });
      await file.write(5000, [encode("x")]);
      deepEqual(await file.read(0, 5000), new Uint8Array(5000));
      await file.truncate(2);
      await file.truncate(5001);
      deepEqual(await file.read(0, 6000), new Uint8Array(5001));
      await file.close();
    },
    async "opens what is there, and creates only when asked"({ disk }, { directory }) {
      await rejects(disk.open(`${directory}/none`), { code: "ENOENT" });
      await rejects(disk.open(`${directory}/none/below`, { create: true }), { code: "ENOENT" });
      await rejects(disk.open(directory), { code: "EISDIR" });
      const first = await disk.open(`${directory}/a`, { create: true });
      await first.write(0, [encode("kept")]);
      const second = await disk.open(`${directory}/a`, { create: true });
      equal(await textOf(second), "kept");
      await rejects(disk.open(`${directory}/a/below`, { create: true }), { code: "ENOTDIR" });
      await first.close();
      await second.close();
    },
    async "renames over what is there, and open files follow"({ disk }, { directory }) {
      const old = await disk.open(`${directory}/target`, { create: true });
      await old.write(0, [encode("old")]);
      const fresh = await disk.open(`${directory}/fresh`, { create: true });
      await fresh.write(0, [encode("new")]);
      await disk.rename(`${directory}/fresh`, `${directory}/target`);
      await disk.syncDirectory(directory);
      deepEqual(await disk.list(directory), ["target"]);
      const reopened = await disk.open(`${directory}/target`);
      equal(await textOf(reopened), "new");
      equal(await textOf(old), "old");
      await fresh.write(3, [encode("er")]);
      equal(await textOf(reopened), "newer");
      await rejects(disk.rename(`${directory}/fresh`, `${directory}/x`), { code: "ENOENT" });
      for (const file of [old, fresh, reopened]) await file.close();
    },
    async "removes, also what is not there"({ disk }, { directory }) {
      const file = await disk.open(`${directory}/a`, { create: true });
      await file.write(0, [encode("open")]);
      await disk.remove(`${directory}/a`);
      await disk.remove(`${directory}/a`);
      await disk.syncDirectory(directory);
      deepEqual(await disk.list(directory), []);
      equal(await textOf(file), "open");
      await file.close();
    },
    async "lists names sorted, of directories too"({ disk }, { directory }) {
      for (const name of ["b", "a", "c"]) await (await disk.open(`${directory}/${name}`, { create: true })).close();
      await disk.makeDirectory(`${directory}/aa/deep`);
      deepEqual(await disk.list(directory), ["a", "aa", "b", "c"]);
      deepEqual(await disk.list(`${directory}/aa`), ["deep"]);
      await rejects(disk.list(`${directory}/none`), { code: "ENOENT" });
      await rejects(disk.list(`${directory}/a`), { code: "ENOTDIR" });
    },
    async "makes directories with their parents, again and again"({ disk }, { directory }) {
      await disk.makeDirectory(`${directory}/x/y/z`);
      await disk.makeDirectory(`${directory}/x/y/z`);
      await (await disk.open(`${directory}/x/y/z/file`, { create: true })).close();
      await rejects(disk.makeDirectory(`${directory}/x/y/z/file`), { code: "EEXIST" });
      await rejects(disk.makeDirectory(`${directory}/x/y/z/file/below`), { code: "ENOTDIR" });
      await rejects(disk.syncDirectory(`${directory}/none`), { code: "ENOENT" });
    },
    async "a closed file refuses everything but another close"({ disk }, { directory }) {
      const file = await disk.open(`${directory}/a`, { create: true });
      await file.close();
      await file.close();
      await rejects(file.write(0, [encode("x")]), { code: "EBADF" });
      await rejects(file.read(0, 1), { code: "EBADF" });
      await rejects(file.size(), { code: "EBADF" });
      await rejects(file.truncate(0), { code: "EBADF" });
      await rejects(file.sync(), { code: "EBADF" });
    },
    async "a directory is locked once, until its release"({ disk }, { directory }) {
      const lock = await disk.lock(directory);
      await rejects(disk.lock(directory), (error: Error & { code: string }) => {
        equal(error.code, "ELOCKED");
        ok(error.message.includes(directory), error.message);
        return true;
      });
      await lock.release();
      await lock.release();
      const again = await disk.lock(directory);
      await lock.release();
      await rejects(disk.lock(directory), { code: "ELOCKED" });
      await again.release();
      await rejects(disk.lock(`${directory}/none`), { code: "ENOENT" });
    },
  });
}
