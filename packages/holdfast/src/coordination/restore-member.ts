import { seedDirectory } from "../consensus/index.ts";
import type { Disk } from "../runtime/index.ts";
import type { InitialCluster } from "./member-identity.ts";
import { initialPlace } from "./member-place.ts";
import { readState, writeState, type StateContents } from "./state-snapshot.ts";

export interface RestoreOptions {
  readonly disk: Disk;
  /** Empty, or not there yet; of this member alone. */
  readonly directory: string;
  /** One of the new cluster's members. */
  readonly name: string;
  /** A new cluster: none of its members may take part in the one that the backup is from. */
  readonly cluster: InitialCluster;
  /** What `MaintenanceAdministration.backup` gave, cut anywhere. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * Makes the directory of one member of a new cluster that starts with the keys, leases, users and client sessions of a
 * backup. Every member of it needs its own, from the same backup.
 *
 * @returns the store's revision
 * @throws InvalidArgumentError; MalformedError when the chunks are no state; LogFailedError or the platform's error
 */
export async function restoreMember(options: RestoreOptions): Promise<{ readonly revision: number }> {
  const { disk, directory, name, cluster, chunks } = options;
  const place = initialPlace(cluster, name);
  const backup = readState(chunks);
  // Who took part in the other cluster, what was asked of its leader and what was wrong there is of no concern here.
  const state: StateContents = {
    ...backup,
    members: [],
    cluster: { asks: [], told: [], removed: [], alarms: [] },
  };
  const written = writeState(state);
  await seedDirectory({
    disk,
    directory,
    clusterId: place.clusterId,
    id: place.id,
    configuration: place.configuration,
    state: { next: () => written.next().value ?? undefined, release: () => void written.return(undefined) },
  });
  return { revision: backup.store.revision };
}
