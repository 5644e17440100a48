import type { KeyValue } from "holdfast/coordination";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";
import { bytesForJson, prefixEnd } from "./key-bytes.ts";
import { leaseText } from "./lease-id.ts";
import { flag, integer } from "./option.ts";

const positive = { min: 1, max: Number.MAX_SAFE_INTEGER };

export const getCommand: Command = defineCommand({
  name: "get",
  summary: "read a key, or all keys with a prefix",
  examples: [
    "holdfast get greeting",
    "holdfast get config/ --prefix",
    "holdfast get greeting --rev 7",
    "holdfast get '' --prefix --keys-only --limit 10",
  ],
  positionals: [{ name: "KEY", help: "the key, or the prefix with --prefix" }],
  options: {
    prefix: flag("all keys that begin with KEY"),
    rev: integer({ ...positive, help: "as of this revision instead of now" }),
    limit: integer({ ...positive, help: "at most so many keys" }),
    keysOnly: flag("keys without their values"),
    stale: flag("answer from one member's state, which may be old"),
    ...clientOptions,
  },
  async run({ options, positionals: [text = ""], terminal }) {
    if (text === "" && !options.prefix) throw usageError(`KEY must not be empty (got "")`);
    const key = Buffer.from(text);
    // No key is empty: the empty prefix starts at the first key there can be.
    const start = options.prefix && key.length === 0 ? new Uint8Array(1) : key;
    const answer = await askCluster(options, (client) =>
      client.range({
        key: start,
        ...(options.prefix ? { rangeEnd: prefixEnd(key) } : {}),
        ...(options.rev === undefined ? {} : { revision: options.rev }),
        ...(options.limit === undefined ? {} : { limit: options.limit }),
        keysOnly: options.keysOnly,
        serializable: options.stale,
      }),
    );
    const found = answer.pairs.length > 0;
    if (options.json) {
      terminal.document({
        revision: answer.header.revision,
        count: answer.count,
        more: answer.more,
        pairs: answer.pairs.map((pair) => pairForJson(pair, options.keysOnly)),
      });
    } else {
      for (const pair of answer.pairs) {
        const fields = [
          ...(options.prefix || options.keysOnly ? [pair.key] : []),
          ...(options.keysOnly ? [] : [pair.value]),
        ];
        terminal.raw(Buffer.concat(fields.flatMap((field, at) => (at === 0 ? [field] : [tab, field]))));
        terminal.raw("\n");
      }
      if (answer.more) terminal.err(`${answer.count - answer.pairs.length} more keys; raise --limit to see them`);
    }
    if (!found)
      terminal.err(options.prefix ? `no key begins with ${JSON.stringify(text)}` : `no key ${JSON.stringify(text)}`);
    return found || options.prefix ? exitCodes.ok : exitCodes.failed;
  },
});

const tab = Buffer.from("\t");

function pairForJson(pair: KeyValue, keysOnly: boolean): Record<string, unknown> {
  return {
    key: bytesForJson(pair.key),
    ...(keysOnly ? {} : { value: bytesForJson(pair.value) }),
    createRevision: pair.createRevision,
    modRevision: pair.modRevision,
    version: pair.version,
    ...(pair.lease === 0n ? {} : { lease: leaseText(pair.lease) }),
  };
}
