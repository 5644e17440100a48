import { open, rename, rm } from "node:fs/promises";
import type { GatewayClient } from "../client/gateway-client.ts";
import { readBackup } from "../backup/backup-reader.ts";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, ExitError, exitCodes, usageError } from "./exit.ts";
import { memberNamed } from "./member-named.ts";
import { peers, text } from "./option.ts";

const actions = ["save", "status", "restore"] as const;

export const snapshotCommand: Command = defineCommand({
  name: "snapshot",
  summary: "back up the whole state, look at a backup, start a new cluster from one",
  examples: [
    "holdfast snapshot save backup.hf",
    "holdfast snapshot status backup.hf",
    "holdfast snapshot restore backup.hf --data ./n1 --name n1 --cluster n1=127.0.0.1:2380",
  ],
  positionals: [
    { name: "ACTION", help: "save, status or restore" },
    { name: "FILE", help: "the backup" },
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
      const { revision } = await restore(file, { directory: data, name, clusterName, members: cluster });
      if (options.json) terminal.document({ name, directory: data, revision });
      else
        terminal.out(`${data} holds ${name} with the keys of revision ${revision}; start it with the same --cluster`);
      return exitCodes.ok;
    }
    if (known === "save") await askCluster(options, (client) => save(client, file));
    const { head, fileBytes, sha256 } = await readBackup(file, () => undefined);
    const { revision, stateBytes } = head;
    if (options.json) {
      terminal.document({ file, revision, bytes: fileBytes, clusterId: head.clusterId.toString(16), sha256 });
    } else terminal.out(`${file}: revision ${revision}, ${stateBytes} bytes of state, SHA-256 ${sha256}`);
    return exitCodes.ok;
  },
});

/** Under another name until it is whole and durable. */
async function save(client: GatewayClient, file: string): Promise<void> {
  const draft = `${file}.part`;
  try {
    const handle = await open(draft, "w", 0o600);
    try {
      for await (const { blob } of client.stream("/maintenance/snapshot", {})) {
        await handle.write(Buffer.from((blob ?? "") as string, "base64"));
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

async function restore(file: string, target: RestoreTarget): Promise<{ readonly revision: number }> {
  const { directory, name, clusterName, members } = target;
  const chunks: Uint8Array[] = [];
  await readBackup(file, (bytes) => chunks.push(bytes));
  const [{ restoreMember }, { nodeRuntime }] = await Promise.all([
    import("holdfast/coordination"),
    import("holdfast/runtime"),
  ]);
  const { disk } = nodeRuntime();
  try {
    return await restoreMember({ disk, directory, name, cluster: { name: clusterName, members }, chunks });
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const isTaken = (error as Error).message.startsWith("seed.directory");
    throw environmentError(
      isTaken ? `${directory} is not empty; name another directory: --data DIR` : (error as Error).message,
      error,
    );
  }
}
