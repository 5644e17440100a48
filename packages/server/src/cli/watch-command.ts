import type { WatchEvent } from "holdfast/coordination";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";
import { bytesForJson, prefixEnd } from "./key-bytes.ts";
import { leaseText } from "./lease-id.ts";
import { flag, integer } from "./option.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

const positive = { min: 1, max: Number.MAX_SAFE_INTEGER };

export const watchCommand: Command = defineCommand({
  name: "watch",
  summary: "show changes of a key, or of all keys with a prefix, until Ctrl-C",
  examples: [
    "holdfast watch greeting",
    "holdfast watch config/ --prefix --json",
    "holdfast watch config/ --prefix --rev 7 --count 3",
  ],
  positionals: [{ name: "KEY", help: "the key, or the prefix with --prefix" }],
  options: {
    prefix: flag("all keys that begin with KEY"),
    rev: integer({ ...positive, help: "also what has changed since this revision" }),
    previous: flag("also the value before each change; with --json"),
    count: integer({ ...positive, help: "end after so many changes" }),
    ...clientOptions,
    json: flag("print a JSON document for each change, on a line of its own"),
  },
  async run({ options, positionals: [text = ""], terminal }) {
    if (text === "" && !options.prefix) throw usageError(`KEY must not be empty (got "")`);
    if (options.previous && !options.json) throw usageError("--previous needs --json");
    const key = Buffer.from(text);
    const signal = stopSignal();
    let left = options.count ?? Infinity;
    await askCluster(options, async (client) => {
      const request = {
        key: options.prefix && key.length === 0 ? new Uint8Array(1) : key,
        ...(options.prefix ? { rangeEnd: prefixEnd(key) } : {}),
        ...(options.rev === undefined ? {} : { startRevision: options.rev }),
        previousPairs: options.previous,
      };
      try {
        for await (const { events } of client.watch(request, { signal })) {
          for (const event of events.slice(0, left)) show(event, options.json, terminal);
          left -= events.length;
          if (left <= 0) return;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    });
    return exitCodes.ok;
  },
});

function show(event: WatchEvent, json: boolean, terminal: Terminal): void {
  const { type, pair, previousPair } = event;
  if (!json) {
    const fields = type === "put" ? [pair.key, pair.value] : [pair.key];
    terminal.raw(Buffer.concat([Buffer.from(type), ...fields.flatMap((field) => [tab, field]), newline]));
    return;
  }
  const document = {
    type,
    key: bytesForJson(pair.key),
    revision: pair.modRevision,
    ...(type === "put" ? { value: bytesForJson(pair.value), version: pair.version } : {}),
    ...(pair.lease === 0n ? {} : { lease: leaseText(pair.lease) }),
    ...(previousPair === undefined ? {} : { previous: bytesForJson(previousPair.value) }),
  };
  // A line each, also on a terminal.
  terminal.out(JSON.stringify(document));
}

const tab = Buffer.from("\t");
const newline = Buffer.from("\n");
