import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";
import { prefixEnd } from "./key-bytes.ts";
import { flag } from "./option.ts";

export const delCommand: Command = defineCommand({
  name: "del",
  summary: "delete a key, or all keys with a prefix",
  examples: ["holdfast del greeting", "holdfast del sessions/ --prefix"],
  positionals: [{ name: "KEY", help: "the key, or the prefix with --prefix" }],
  options: { prefix: flag("all keys that begin with KEY"), ...clientOptions },
  async run({ options, positionals: [text = ""], terminal }) {
    if (text === "") throw usageError(`KEY must not be empty: that would delete every key (got "")`);
    const key = Buffer.from(text);
    const answer = await askCluster(options, (client) =>
      client.deleteRange({ key, ...(options.prefix ? { rangeEnd: prefixEnd(key) } : {}) }),
    );
    if (options.json) terminal.document({ deleted: answer.deleted, revision: answer.header.revision });
    else if (answer.deleted > 0) terminal.out(`${answer.deleted} deleted at revision ${answer.header.revision}`);
    else terminal.err(options.prefix ? `no key begins with ${JSON.stringify(text)}` : `no key ${JSON.stringify(text)}`);
    return answer.deleted > 0 || options.prefix ? exitCodes.ok : exitCodes.failed;
  },
});
