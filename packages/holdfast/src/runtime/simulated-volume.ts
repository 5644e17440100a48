import { resolve } from "node:path/posix";
import { platformError } from "./platform-error.ts";
import type { Disk, DiskFile } from "./runtime.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import type { FileImage } from "./simulated-file.ts";
import type { EventOwner } from "./simulation-engine.ts";

/** The disk as one life of a process sees it. Once that life has ended, its calls have no effect and no answer. */
export function simulatedVolume(disk: SimulatedDisk, owner: EventOwner, name: string): Disk {
  const { tree } = disk;
  return {
    async open(path, options) {
      const full = absolute(path);
      const create = options?.create === true;
      const image = await disk.operate(owner, "open", full, () => tree.open(full, create));
      return openFile(disk, owner, full, image, options?.syncedWrites === true);
    },
    list(directory) {
      const full = absolute(directory);
      return disk.operate(owner, "list", full, () => tree.list(full));
    },
    makeDirectory(path) {
      const full = absolute(path);
      return disk.operate(owner, "makeDirectory", full, () => tree.makeDirectory(full));
    },
    rename(from, to) {
      const source = absolute(from);
      return disk.operate(owner, "rename", source, () => tree.rename(source, absolute(to)));
    },
    remove(path) {
      const full = absolute(path);
      return disk.operate(owner, "remove", full, () => tree.remove(full));
    },
    syncDirectory(path) {
      const full = absolute(path);
      const end = tree.nextChange;
      return disk.operate(owner, "syncDirectory", full, () => tree.sync(full, end));
    },
    lock(directory) {
      const full = absolute(directory);
      return disk.operate(owner, "lock", full, () => {
        const holder = disk.locks.get(full);
        if (holder !== undefined) {
          throw platformError("ELOCKED", "lock", `'${full}'`, `directory is locked by process ${holder.name}`);
        }
        // As in Node, the lock is a file among the others.
        tree.list(full);
        tree.open(`${full}/LOCK.1`, true);
        const lock = { owner, name };
        disk.locks.set(full, lock);
        return {
          release: () =>
            disk.operate(owner, "lock", full, () => {
              if (disk.locks.get(full) === lock) disk.locks.delete(full);
            }),
        };
      });
    },
  };
}

/** Relative paths start at the root: a simulated process has no other place. */
function absolute(path: string): string {
  return resolve("/", path);
}

function openFile(
  disk: SimulatedDisk,
  owner: EventOwner,
  path: string,
  file: FileImage,
  syncedWrites: boolean,
): DiskFile {
  let isOpen = true;

  async function whenOpen<T>(syscall: string, operate: () => Promise<T>): Promise<T> {
    if (!isOpen) throw platformError("EBADF", syscall, "a closed file");
    return operate();
  }

  function sync(): Promise<void> {
    // What is written while the sync is on its way may miss it.
    const end = file.nextChange;
    return disk.operate(owner, "sync", path, () => disk.sync(file, end, path));
  }

  return {
    size: () => whenOpen("fstat", () => disk.operate(owner, "read", path, () => file.size)),
    read: (offset, length) =>
      whenOpen("read", () => disk.operate(owner, "read", path, () => disk.read(file, offset, length))),
    write: (offset, parts) =>
      whenOpen("write", async () => {
        await disk.operate(
          owner,
          "write",
          path,
          () => disk.write(file, offset, joined(parts), path),
          () => disk.tearWrite(file, offset, joined(parts)),
        );
        if (syncedWrites) await sync();
      }),
    truncate: (size) => whenOpen("ftruncate", () => disk.operate(owner, "truncate", path, () => file.truncate(size))),
    sync: () => whenOpen("fdatasync", sync),
    close() {
      isOpen = false;
      return Promise.resolve();
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
