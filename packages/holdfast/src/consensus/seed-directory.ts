import { InvalidArgumentError } from "../errors/base.ts";
import type { Disk } from "../runtime/index.ts";
import type { Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import { openDurableLog } from "./log/open-durable-log.ts";
import type { SnapshotSource } from "./state-machine.ts";

export interface SeedOptions {
  readonly disk: Disk;
  /** Empty, or not there yet. */
  readonly directory: string;
  readonly clusterId: bigint;
  readonly id: NodeId;
  /** The members of the new cluster. */
  readonly configuration: Configuration;
  /** What every member's directory must be made of alike. Released here. */
  readonly state: SnapshotSource;
}

/** Where the log of a cluster begins that starts with a state: as if one entry had made it. */
const origin = { index: 1, term: 1 };

/**
 * Makes the directory of a node whose cluster starts with a state instead of none. Each of its members needs one, made of
 * the same state. Durable once resolved.
 *
 * @throws InvalidArgumentError when the directory holds anything; LogFailedError or the platform's error
 */
export async function seedDirectory(options: SeedOptions): Promise<void> {
  const { disk, directory, clusterId, id, configuration, state } = options;
  try {
    if (!(await isEmpty(disk, directory))) {
      throw new InvalidArgumentError("seed.directory", "must be empty", directory);
    }
    const identity = { clusterId, nodeId: id };
    const { log } = await openDurableLog({ disk, directory, identity, bootstrap: configuration });
    try {
      const file = await log.createSnapshot({ ...origin, configuration });
      for (let chunk = state.next(); chunk !== undefined; chunk = state.next()) await file.write(chunk);
      await file.commit();
      await log.append({ hardState: { term: origin.term, vote: 0 }, reset: origin, entries: [] });
    } finally {
      await log.close();
    }
  } finally {
    state.release();
  }
}

async function isEmpty(disk: Disk, directory: string): Promise<boolean> {
  try {
    return (await disk.list(directory)).length === 0;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return true;
    throw error;
  }
}
