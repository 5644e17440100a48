import { seedDirectory, witnessState } from "../consensus/index.ts";
import type { Disk } from "../runtime/index.ts";
import type { InitialCluster } from "./member-identity.ts";
import { initialPlace } from "./member-place.ts";
import { restoredState } from "./key-value/restored-state.ts";
import type { BackupContents } from "./key-value/state-backup.ts";
import { writeState } from "./key-value/state-snapshot.ts";

export interface RestoreOptions {
  readonly disk: Disk;
  /** Empty, or not there yet; of this member alone. */
  readonly directory: string;
  /** One of the new cluster's members. */
  readonly name: string;
  /** A new cluster: none of its members may take part in the one that the backup is from. */
  readonly cluster: InitialCluster;
  /** What `MaintenanceAdministration.backup` gave, or what was kept of it. */
  readonly backup: BackupContents;
}

/**
 * Makes the directory of one member of a new cluster that starts with the keys, leases and users of a backup. Every member
 * of it needs its own, from the same backup. Nothing is written before the backup is read to its end.
 *
 * @returns the store's revision
 * @throws InvalidArgumentError when the backup contradicts itself, or another option is wrong; what reading the backup
 * throws; LogFailedError or the platform's error
 */
export async function restoreMember(options: RestoreOptions): Promise<{ readonly revision: number }> {
  const { disk, directory, name, cluster, backup } = options;
  const place = initialPlace(cluster, name);
  const written = writeState(await restoredState(backup));
  await seedDirectory({
    disk,
    directory,
    clusterId: place.clusterId,
    id: place.id,
    configuration: place.configuration,
    state: place.isWitness
      ? witnessState.snapshot()
      : { next: () => written.next().value ?? undefined, release: () => void written.return(undefined) },
  });
  return { revision: backup.revision };
}
