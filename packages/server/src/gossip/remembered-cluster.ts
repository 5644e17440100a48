import { createHash } from "node:crypto";
import { join } from "node:path";
import type { JoinedCluster } from "holdfast/coordination";
import type { Disk, DiskFile } from "holdfast/runtime";
import { environmentError } from "../cli/exit.ts";

export interface RememberedClusterOptions {
  readonly disk: Disk;
  /** The member's data directory. */
  readonly directory: string;
  readonly clusterName: string;
}

const fileName = "learned-cluster.json";
const maxFileBytes = 65_536;

interface Remembered {
  readonly format: 2;
  readonly clusterName: string;
  readonly cluster: JoinedCluster;
}

/**
 * Who the cluster's members are and which of them this one is, as a running member once told; undefined when none has.
 *
 * @throws ExitError (environment) when the file is damaged or of another cluster, or the platform's error
 */
export async function recallCluster(options: RememberedClusterOptions): Promise<JoinedCluster | undefined> {
  const { disk, directory, clusterName } = options;
  const path = join(directory, fileName);
  const bytes = await readIfThere(disk, path);
  if (bytes === undefined) return undefined;
  const remembered = decode(bytes);
  if (remembered === undefined) {
    throw environmentError(
      `${path} is damaged; remove it to learn the cluster again from a running member, or name all with --cluster`,
    );
  }
  if (remembered.clusterName !== clusterName) {
    throw environmentError(
      `${path} tells of cluster ${JSON.stringify(remembered.clusterName)}, not ${JSON.stringify(clusterName)}; ` +
        `name another directory: --data DIR, or that cluster: --cluster-name NAME`,
    );
  }
  return remembered.cluster;
}

/**
 * Writes down what was learned, for the next start, when perhaps nobody else runs. Durable once resolved; a crash
 * meanwhile leaves what was there before. For whoever holds the directory.
 *
 * @throws the platform's error
 */
export async function rememberCluster(
  { disk, directory, clusterName }: RememberedClusterOptions,
  cluster: JoinedCluster,
): Promise<void> {
  const path = join(directory, fileName);
  // A name that the log clears away at its next start.
  const draft = `${path}.tmp`;
  const file = await disk.open(draft, { create: true });
  try {
    const bytes = encode({ format: 2, clusterName, cluster });
    await file.write(0, [bytes]);
    await file.truncate(bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, path);
  await disk.syncDirectory(directory);
}

function encode({ format, clusterName, cluster: { clusterId, memberId, members } }: Remembered): Uint8Array {
  const content = {
    format,
    clusterName,
    clusterId: clusterId.toString(16),
    memberId: memberId.toString(16),
    members: members.map(({ id, name, peer: { host, port }, isWitness }) => {
      return { id: id.toString(16), name, host, port, ...(isWitness === true ? { isWitness } : {}) };
    }),
  };
  return Buffer.from(`${JSON.stringify({ ...content, sha256: digest(content) }, undefined, 2)}\n`);
}

/** Undefined for what `encode` has not made. */
function decode(bytes: Uint8Array): Remembered | undefined {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof content !== "object" || content === null) return undefined;
  const { sha256, ...rest } = content as Readonly<Record<string, unknown>>;
  // With the right digest, the rest is what was written: its shape need not be looked at, only its format.
  if (sha256 !== digest(rest) || rest["format"] !== 2) return undefined;
  const { clusterName, clusterId, memberId, members } = rest as {
    clusterName: string;
    clusterId: string;
    memberId: string;
    members: { id: string; name: string; host: string; port: number; isWitness?: boolean }[];
  };
  const cluster: JoinedCluster = {
    clusterId: BigInt(`0x${clusterId}`),
    memberId: BigInt(`0x${memberId}`),
    members: members.map(({ id, name, host, port, ...kind }) => {
      return { id: BigInt(`0x${id}`), name, peer: { host, port }, ...kind };
    }),
  };
  return { format: 2, clusterName, cluster };
}

function digest(content: object): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

async function readIfThere(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  let file: DiskFile;
  try {
    file = await disk.open(path);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return await file.read(0, Math.min(await file.size(), maxFileBytes));
  } finally {
    await file.close();
  }
}
