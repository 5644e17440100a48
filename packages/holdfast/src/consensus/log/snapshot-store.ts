import type { Disk } from "../../runtime/index.ts";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { SnapshotMeta } from "../entry.ts";
import type { SnapshotReader, SnapshotWriter } from "./durable-log.ts";
import { LogCorruptError, LogFailedError } from "./log-error.ts";
import type { LogIdentity } from "./log-identity.ts";
import { parseSnapshotName, snapshotName } from "./snapshot-format.ts";
import { checkSnapshotFile, openSnapshotFile } from "./snapshot-reader.ts";
import { writeSnapshotFile } from "./snapshot-writer.ts";

/** The snapshot files of one directory. */
export interface SnapshotStore {
  /** The newest that is complete and durable. */
  readonly newest: SnapshotMeta | undefined;
  create(meta: SnapshotMeta): Promise<SnapshotWriter>;
  openNewest(): Promise<SnapshotReader | undefined>;
  /** Removes the files of all snapshots before the newest. */
  removeOlder(): Promise<void>;
}

export interface SnapshotStoreOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly identity: LogIdentity;
  /** Told when the directory could not be synced: what it holds after a crash is then unknown. */
  readonly onDirectoryFailure: (error: LogFailedError) => void;
}

/**
 * Finds the newest snapshot that is whole, reading it from end to end.
 *
 * @returns the store, and what is wrong with a newer snapshot that was passed over
 * @throws ForeignDirectoryError
 */
export async function openSnapshotStore(
  options: SnapshotStoreOptions,
  names: readonly string[],
): Promise<{ readonly store: SnapshotStore; readonly passedOver: LogCorruptError | undefined }> {
  const { disk, directory, identity } = options;
  const snapshots = names
    .flatMap((name) => ({ name, position: parseSnapshotName(name) }))
    .filter((each) => each.position !== undefined)
    .sort((a, b) => b.position!.index - a.position!.index || b.position!.term - a.position!.term);
  let passedOver: LogCorruptError | undefined;
  for (const { name } of snapshots) {
    try {
      const path = `${directory}/${name}`;
      const meta = await checkSnapshotFile(disk, path, identity);
      if (snapshotName(meta) !== name) throw new LogCorruptError(path, 0, `it is ${snapshotName(meta)} by its header`);
      return { store: createSnapshotStore(options, meta), passedOver };
    } catch (error) {
      if (!(error instanceof LogCorruptError)) throw error;
      passedOver ??= error;
    }
  }
  return { store: createSnapshotStore(options, undefined), passedOver };
}

function createSnapshotStore(options: SnapshotStoreOptions, found: SnapshotMeta | undefined): SnapshotStore {
  const { disk, directory, identity, onDirectoryFailure } = options;
  let newest = found;
  let writers = 0;

  const removeOlder = async (): Promise<void> => {
    for (const name of await disk.list(directory)) {
      const position = parseSnapshotName(name);
      if (position !== undefined && newest !== undefined && position.index < newest.index) {
        await disk.remove(`${directory}/${name}`);
      }
    }
  };

  const publish = async (temporary: string, meta: SnapshotMeta): Promise<void> => {
    // A snapshot that arrived from the leader meanwhile covers more; this one is not needed any more.
    if (newest !== undefined && newest.index > meta.index) return disk.remove(temporary);
    await disk.rename(temporary, `${directory}/${snapshotName(meta)}`);
    try {
      await disk.syncDirectory(directory);
    } catch (error) {
      const failure = new LogFailedError(`cannot sync the directory ${directory}`, error);
      onDirectoryFailure(failure);
      throw failure;
    }
    newest = meta;
    // One that stays takes room until the next commit or start, and is never chosen.
    await removeOlder().catch(() => undefined);
  };

  return {
    get newest() {
      return newest;
    },
    async create(meta) {
      if (newest !== undefined && meta.index < newest.index) {
        throw new InvalidArgumentError("snapshot.index", `must be >= ${newest.index}, the newest snapshot`, meta.index);
      }
      const temporary = `${directory}/${snapshotName(meta)}.${++writers}.tmp`;
      return writeSnapshotFile(disk, temporary, { identity, meta }, () => publish(temporary, meta));
    },
    async openNewest() {
      if (newest === undefined) return undefined;
      return openSnapshotFile(disk, `${directory}/${snapshotName(newest)}`, identity);
    },
    removeOlder,
  };
}
