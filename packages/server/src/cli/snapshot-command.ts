import { open, rename, rm } from "node:fs/promises";
import type { GatewayClient } from "../client/gateway-client.ts";
import type { ReadOptions, Snapshot, SnapshotStatus } from "../backup/snapshot-reader.ts";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, ExitError, exitCodes, usageError } from "./exit.ts";
import { memberNamed } from "./member-named.ts";
import { flag, peers, text } from "./option.ts";

const actions = ["save", "status", "restore"] as const;

export const snapshotCommand: Command = defineCommand({
  name: "snapshot",
  summary: "back up the whole state, look at a backup, start a new cluster from one",
  examples: [
    "holdfast snapshot save backup.db",
    "holdfast snapshot status backup.db",
    "holdfast snapshot restore backup.db --data ./n1 --name n1 --cluster n1=127.0.0.1:2380",
  ],
  positionals: [
    { name: "ACTION", help: "save, status or restore" },
    { name: "FILE", help: "the backup, which etcdctl reads and restores too; or a snapshot of an etcd" },
  ],
  options: {
    data: text({ placeholder: "DIR", help: "restore: the member's directory, which must be empty" }),
    name: text({ placeholder: "NAME", help: "restore: this member's name, one of --cluster" }),
    cluster: peers("restore: every member of the new cluster; each needs its own directory, from the same backup"),
    clusterName: text({
      placeholder: "NAME",
      default: "holdfast",
      help: "restore: another than before keeps members of the old cluster away",
    }),
    skipHashCheck: flag("status, restore: take a file without a SHA-256 at its end, such as an etcd's member/snap/db"),
    ...clientOptions,
  },
  async run({ options, positionals: [action = "", file = ""], terminal }) {
    const known = actions.find((candidate) => candidate === action);
    if (known === undefined) {
      throw usageError(`ACTION must be one of ${actions.join(", ")} (got ${JSON.stringify(action)})`);
    }
    if (file === "") throw usageError('FILE must not be empty (got "")');
    if (known === "restore") {
      const { data, name, cluster, clusterName } = options;
      if (data === undefined) throw usageError("--data is required: --data DIR");
      if (name === undefined) throw usageError("--name is required: --name NAME");
      if (cluster === undefined) throw usageError("--cluster is required: --cluster NAME=HOST:PORT,…");
      memberNamed(name, cluster, "--cluster");
      const target = { directory: data, name, clusterName, members: cluster };
      const { revision } = await restore(file, options, target);
      if (options.json) terminal.document({ name, directory: data, revision });
      else
        terminal.out(
          `${data} holds ${name} with the keys of revision ${revision}; start it with the same --cluster` +
            (clusterName === "holdfast" ? "" : ` and --cluster-name ${clusterName}`),
        );
      return exitCodes.ok;
    }
    if (known === "save") await askCluster(options, (client) => save(client, file));
    const { bytes, sha256, revision, totalKeys, hash } = await statusOf(file, options);
    if (options.json) terminal.document({ file, revision, totalKeys, bytes, hash, sha256 });
    else terminal.out(`${file}: revision ${revision}, ${totalKeys} entries, ${bytes} bytes, SHA-256 ${sha256}`);
    return exitCodes.ok;
  },
});

async function statusOf(
  file: string,
  options: ReadOptions,
): Promise<SnapshotStatus & Pick<Snapshot, "bytes" | "sha256">> {
  const { openSnapshot } = await import("../backup/snapshot-reader.ts");
  const snapshot = openSnapshot(file, options);
  try {
    const { bytes, sha256 } = snapshot;
    return { bytes, sha256, ...snapshot.status() };
  } finally {
    snapshot.close();
  }
}

/** Under another name until it is whole and durable. */
async function save(client: GatewayClient, file: string): Promise<void> {
  const draft = `${file}.part`;
  try {
    const handle = await open(draft, "w", 0o600);
    try {
      for await (const { blob } of client.stream("/maintenance/snapshot", {})) {
        await handle.appendFile(Buffer.from((blob ?? "") as string, "base64"));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (["EACCES", "ENOENT", "ENOSPC", "EROFS", "EISDIR", "EPERM"].includes(code ?? "")) {
      throw environmentError(`cannot write ${file} (${code})`, error);
    }
    throw error;
  }
}

interface RestoreTarget {
  readonly directory: string;
  readonly name: string;
  readonly clusterName: string;
  readonly members: Parameters<typeof memberNamed>[1];
}

async function restore(
  file: string,
  options: ReadOptions,
  { directory, name, clusterName, members }: RestoreTarget,
): Promise<{ readonly revision: number }> {
  const [{ openSnapshot }, { restoreMember }, { nodeRuntime }] = await Promise.all([
    import("../backup/snapshot-reader.ts"),
    import("holdfast/coordination"),
    import("holdfast/runtime"),
  ]);
  const snapshot = openSnapshot(file, options);
  try {
    const backup = snapshot.contents();
    const { disk } = nodeRuntime();
    return await restoreMember({ disk, directory, name, cluster: { name: clusterName, members }, backup });
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const { message } = error as Error;
    if (message.startsWith("seed.directory")) {
      throw environmentError(`${directory} is not empty; name another directory: --data DIR`, error);
    }
    throw environmentError(message.startsWith("backup.") ? `${file} is damaged: ${message}` : message, error);
  } finally {
    snapshot.close();
  }
}
