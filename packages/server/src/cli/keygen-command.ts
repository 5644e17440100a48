import { randomBytes } from "node:crypto";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes } from "./exit.ts";
import { flag } from "./option.ts";

/** For AES-256. */
const keyBytes = 32;

export const keygenCommand: Command = defineCommand({
  name: "keygen",
  summary: "print a fresh key that seals the members' gossip",
  examples: [
    "holdfast keygen",
    "(umask 077; holdfast keygen --json > keyring.json)   # a keyring with one key, for --gossip-keyring",
  ],
  options: { json: flag("print a keyring that holds the key: a JSON array") },
  run({ options, terminal }) {
    const key = randomBytes(keyBytes).toString("base64");
    if (options.json) terminal.document([key]);
    else terminal.out(key);
    return Promise.resolve(exitCodes.ok);
  },
});
