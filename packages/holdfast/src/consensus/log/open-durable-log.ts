import { HoldfastError, InvalidArgumentError } from "../../errors/base.ts";
import type { DirectoryLock, Disk } from "../../runtime/index.ts";
import type { Configuration } from "../configuration.ts";
import type { SnapshotMeta } from "../entry.ts";
import type { DurableLog, RecoveredLog } from "./durable-log.ts";
import { LogCorruptError, LogFailedError } from "./log-error.ts";
import { type LogIdentity, requireIdentity } from "./log-identity.ts";
import { createSegment } from "./segment-file.ts";
import { parseSegmentName, segmentName } from "./segment-header.ts";
import { findSegment, type FoundSegment, recoverSegments } from "./segment-recovery.ts";
import { SegmentedLog, type SegmentedLogOptions } from "./segmented-log.ts";
import { openSnapshotStore, type SnapshotStore } from "./snapshot-store.ts";

export interface DurableLogOptions {
  readonly disk: Disk;
  /** Made when it is not there; belongs to this log alone. */
  readonly directory: string;
  /** Whose log this is; a directory of anybody else is refused. */
  readonly identity: LogIdentity;
  /** The members on the first day. A log that exists keeps those it was made with. */
  readonly bootstrap: Configuration;
  /** Size at which a segment is full. Default 16 MiB. */
  readonly segmentBytes?: number;
}

const durableLogDefaults: { readonly segmentBytes: number } = { segmentBytes: 16 * 1024 * 1024 };

/**
 * Opens one node's log, or makes it, and recovers what it holds.
 *
 * A write that a crash cut short is cut off. Everything else that is not as it was written is refused: the entries it
 * held may have been acknowledged. What is returned is durable, also when the process before died before its sync.
 *
 * @throws LogCorruptError naming file and offset
 * @throws ForeignDirectoryError when a file is of another cluster or member
 * @throws LogFailedError when the directory cannot be read or written
 * @throws Error with code `ELOCKED` when another log has the directory open
 */
export async function openDurableLog(
  options: DurableLogOptions,
): Promise<{ readonly log: DurableLog; readonly recovered: RecoveredLog }> {
  check(options);
  const { disk, directory } = options;
  let lock: DirectoryLock | undefined;
  try {
    await disk.makeDirectory(directory);
    lock = await disk.lock(directory);
    return await openLocked(options, lock);
  } catch (error) {
    await lock?.release();
    if (error instanceof HoldfastError || (error as { code?: unknown }).code === "ELOCKED") throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogFailedError(`cannot open the log in ${directory}: ${reason}`, error);
  }
}

async function openLocked(
  options: DurableLogOptions,
  lock: DirectoryLock,
): Promise<{ readonly log: DurableLog; readonly recovered: RecoveredLog }> {
  const { disk, directory, identity } = options;
  const { segmentBytes } = { ...durableLogDefaults, ...options };
  const names = await disk.list(directory);
  const found = await findSegments(options, names);
  let log: SegmentedLog | undefined;
  const { store, passedOver } = await openSnapshotStore(
    { disk, directory, identity, onDirectoryFailure: (failure) => log?.fail(failure) },
    names,
  );
  const base = { disk, directory, lock, identity, segmentBytes };

  if (found.length === 0) {
    if (store.newest !== undefined || passedOver !== undefined) {
      throw new LogCorruptError(`${directory}/${segmentName(1)}`, 0, "there are snapshots, but no segment");
    }
    const created = await create({ ...base, bootstrap: options.bootstrap }, store);
    log = created.log;
    return created;
  }

  const bootstrap = found[0]!.header.bootstrap;
  const snapshot: SnapshotMeta = store.newest ?? { index: 0, term: 0, configuration: bootstrap };
  const { replay, sealed, torn, nextSequence, ...recovered } = await recoverSegments(disk, found, snapshot.index);
  const { hardState } = replay;
  let { current } = recovered;
  try {
    const settled = replay.settle(snapshot);
    if (settled.kind === "gap") {
      if (passedOver !== undefined) throw passedOver;
      const reason = `entries ${snapshot.index + 1} to ${settled.heldAfter} are missing`;
      throw new LogCorruptError(found[0]!.path, 0, reason);
    }
    // Names of the process before may not be durable yet: they must be before what they stand for is removed.
    await disk.syncDirectory(directory);
    for (const name of names) if (name.endsWith(".tmp")) await disk.remove(`${directory}/${name}`);
    await store.removeOlder();
    const last = { index: replay.lastIndex, term: replay.lastTerm ?? snapshot.term };
    if (torn) {
      await current.file.close();
      sealed.push(current);
      const header = {
        identity,
        bootstrap,
        ordinal: current.ordinal + 1,
        firstSequence: nextSequence,
        hardState,
        last,
      };
      current = await createSegment(disk, directory, header, segmentBytes);
    }
    const state = { sealed, current, nextSequence, hardState, start: snapshot.index, last };
    log = new SegmentedLog({ ...base, bootstrap }, store, state);
    const { index, term } = snapshot;
    if (settled.kind === "void") await log.append({ reset: { index, term }, entries: [] });
    return { log, recovered: { hardState, snapshot, entries: settled.kind === "void" ? [] : settled.entries } };
  } catch (error) {
    await current.file.close();
    throw error;
  }
}

async function create(
  options: SegmentedLogOptions,
  snapshots: SnapshotStore,
): Promise<{ readonly log: SegmentedLog; readonly recovered: RecoveredLog }> {
  const { disk, directory, identity, bootstrap, segmentBytes } = options;
  const hardState = { term: 0, vote: 0 };
  const last = { index: 0, term: 0 };
  const header = { identity, bootstrap, ordinal: 1, firstSequence: 1, hardState, last };
  const current = await createSegment(disk, directory, header, segmentBytes);
  const state = { sealed: [], current, nextSequence: 1, hardState, start: 0, last };
  return {
    log: new SegmentedLog(options, snapshots, state),
    recovered: { hardState, snapshot: { ...last, configuration: bootstrap }, entries: [] },
  };
}

/** Reads all segments' headers, in order, and checks that they are of this member. */
async function findSegments(options: DurableLogOptions, names: readonly string[]): Promise<FoundSegment[]> {
  const { disk, directory, identity } = options;
  const found: FoundSegment[] = [];
  for (const name of names) {
    const ordinal = parseSegmentName(name);
    if (ordinal === undefined) continue;
    const segment = await findSegment(disk, `${directory}/${name}`, ordinal);
    requireIdentity(segment.path, segment.header.identity, identity);
    found.push(segment);
  }
  return found.sort((a, b) => a.header.ordinal - b.header.ordinal);
}

function check({ identity, directory, segmentBytes }: DurableLogOptions): void {
  if (directory === "") throw new InvalidArgumentError("log.directory", "must not be empty", directory);
  if (identity.clusterId < 0n || identity.clusterId >= 1n << 64n) {
    throw new InvalidArgumentError("log.identity.clusterId", "must be from 0 to 2^64 - 1", identity.clusterId);
  }
  if (!Number.isSafeInteger(identity.nodeId) || identity.nodeId < 1) {
    throw new InvalidArgumentError("log.identity.nodeId", "must be a safe integer >= 1", identity.nodeId);
  }
  if (
    segmentBytes !== undefined &&
    (!Number.isInteger(segmentBytes) || segmentBytes < 1024 || segmentBytes > 2 ** 30)
  ) {
    throw new InvalidArgumentError("log.segmentBytes", "must be an integer from 1024 to 2^30", segmentBytes);
  }
}
