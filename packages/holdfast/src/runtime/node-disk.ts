import { close, constants, fsync, mkdir, open, readdir, rename, stat, unlink } from "node:fs";
import { dirname, resolve } from "node:path";
import { NodeFile } from "./node-file.ts";
import { lockDirectory } from "./node-lock.ts";
import { codeOf } from "./platform-error.ts";
import type { Disk } from "./runtime.ts";

/** Node's file system, on its thread pool. Files and directories are made readable by their owner alone. */
export function nodeDisk(): Disk {
  return {
    async open(path, options) {
      const syncedWrites = options?.syncedWrites === true;
      // Elsewhere the flag is missing, or promises less than a sync does.
      const bySystem = syncedWrites && process.platform === "linux";
      const create = options?.create === true ? constants.O_CREAT : 0;
      const flags = constants.O_RDWR | create | (bySystem ? constants.O_DSYNC : 0);
      return new NodeFile(await openFile(path, flags), syncedWrites && !bySystem);
    },
    list: (directory) =>
      new Promise((done, fail) => {
        readdir(directory, (error, names) => (error === null ? done(names.sort()) : fail(error)));
      }),
    makeDirectory: (path) => makeDirectory(resolve(path)),
    rename: (from, to) => settled((callback) => rename(from, to, callback)),
    async remove(path) {
      try {
        await settled((callback) => unlink(path, callback));
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
      }
    },
    syncDirectory,
    lock: lockDirectory,
  };
}

async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  const exists = await isDirectory(path);
  if (!exists) {
    if (parent !== path) await makeDirectory(parent);
    try {
      await settled((callback) => mkdir(path, 0o700, callback));
    } catch (error) {
      // Somebody made it in between; anything else in its place is an error.
      if (codeOf(error) !== "EEXIST" || !(await isDirectory(path))) throw error;
    }
  }
  try {
    // Also for one that exists: whoever made it may have ended before syncing it.
    await syncDirectory(parent);
  } catch (error) {
    if (!exists || (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM")) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return new Promise((done, fail) => {
    stat(path, (error, stats) => {
      if (error === null) done(stats.isDirectory());
      else if (error.code === "ENOENT") done(false);
      else fail(error);
    });
  });
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory, and makes its entries durable by itself.
  if (process.platform === "win32") return;
  const descriptor = await openFile(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await settled((callback) => fsync(descriptor, callback));
  } finally {
    await settled((callback) => close(descriptor, callback));
  }
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((done, fail) => {
    open(path, flags, 0o600, (error, descriptor) => (error === null ? done(descriptor) : fail(error)));
  });
}

function settled(call: (callback: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((done, fail) => {
    call((error) => (error === null || error === undefined ? done() : fail(error)));
  });
}
