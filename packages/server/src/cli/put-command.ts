import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";
import { readLeaseId } from "./lease-id.ts";
import { text } from "./option.ts";

export const putCommand: Command = defineCommand({
  name: "put",
  summary: "write a key",
  examples: [
    "holdfast put greeting hello",
    "holdfast put config/port 8080 --json",
    "holdfast put session/7 here --lease 694d7a3c9a1f2b05",
    "holdfast put -- -odd- --value--",
  ],
  positionals: [
    { name: "KEY", help: "the key to write" },
    { name: "VALUE", help: "its new value" },
  ],
  options: {
    lease: text({ placeholder: "ID", help: "delete the key when this lease ends" }),
    ...clientOptions,
  },
  async run({ options, positionals: [key = "", value = ""], terminal }) {
    if (key === "") throw usageError(`KEY must not be empty (got "")`);
    const lease = options.lease === undefined ? undefined : readLeaseId(options.lease, "--lease");
    const answer = await askCluster(options, (client) =>
      client.put({
        key: Buffer.from(key),
        value: Buffer.from(value),
        ...(lease === undefined ? {} : { lease }),
      }),
    );
    if (options.json) terminal.document({ key, revision: answer.header.revision });
    else terminal.out(`${key} written at revision ${answer.header.revision}`);
    return exitCodes.ok;
  },
});
