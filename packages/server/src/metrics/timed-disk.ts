import type { Disk, DiskFile } from "holdfast/runtime";

/** What a disk took to make something durable, in seconds. */
export type OnDurable = (seconds: number) => void;

/** A disk that tells how long it takes until what is written is durable, and is the same otherwise. */
export function timedDisk(disk: Disk, onDurable: OnDurable): Disk {
  return {
    open: async (path, options) => timedFile(await disk.open(path, options), options?.syncedWrites ?? false, onDurable),
    list: (directory) => disk.list(directory),
    makeDirectory: (path) => disk.makeDirectory(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    lock: (directory) => disk.lock(directory),
  };
}

function timedFile(file: DiskFile, hasSyncedWrites: boolean, onDurable: OnDurable): DiskFile {
  const timed = async (work: Promise<void>): Promise<void> => {
    const startedAt = performance.now();
    await work;
    onDurable((performance.now() - startedAt) / 1_000);
  };
  return {
    size: () => file.size(),
    read: (offset, length) => file.read(offset, length),
    write: hasSyncedWrites
      ? (offset, parts) => timed(file.write(offset, parts))
      : (offset, parts) => file.write(offset, parts),
    truncate: (size) => file.truncate(size),
    sync: () => timed(file.sync()),
    close: () => file.close(),
  };
}
