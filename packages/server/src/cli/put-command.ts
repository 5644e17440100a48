import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";

export const putCommand: Command = defineCommand({
  name: "put",
  summary: "write a key",
  examples: ["holdfast put greeting hello", "holdfast put config/port 8080 --json", "holdfast put -- -odd- --value--"],
  positionals: [
    { name: "KEY", help: "the key to write" },
    { name: "VALUE", help: "its new value" },
  ],
  options: clientOptions,
  async run({ options, positionals: [key = "", value = ""], terminal }) {
    if (key === "") throw usageError(`KEY must not be empty (got "")`);
    const answer = await askCluster(options, (client) =>
      client.put({ key: Buffer.from(key), value: Buffer.from(value) }),
    );
    if (options.json) terminal.document({ key, revision: answer.header.revision });
    else terminal.out(`${key} written at revision ${answer.header.revision}`);
    return exitCodes.ok;
  },
});
