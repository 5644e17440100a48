import { CoordinationError } from "holdfast/coordination";
import type { GatewayClient } from "../client/gateway-client.ts";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError } from "./exit.ts";
import { integer } from "./option.ts";

interface Compacted {
  /** Null: there was nothing to do. */
  readonly compacted: number | null;
  /** The current one. */
  readonly revision: number;
}

export const compactCommand: Command = defineCommand({
  name: "compact",
  summary: "forget the history below a revision, for good",
  examples: [
    "holdfast compact --keep 0       # only what is now, and what comes",
    "holdfast compact --keep 10000   # and the last 10000 revisions",
    "holdfast compact 1967",
  ],
  positionals: [{ name: "REVISION", help: "the oldest that can still be read", optional: true }],
  options: {
    keep: integer({
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      help: "in place of REVISION: so many revisions before the current one",
    }),
    ...clientOptions,
  },
  async run({ options, positionals: [text], terminal }) {
    const { keep } = options;
    const given = text === undefined ? undefined : readRevision(text);
    if ((given === undefined) === (keep === undefined)) throw usageError("give a REVISION, or --keep N");
    const told = await askCluster(options, (client) =>
      given === undefined ? compactBehind(client, keep ?? 0) : compactTo(client, given),
    );
    if (options.json) terminal.document(told);
    else if (told.compacted !== null) terminal.out(`compacted to revision ${told.compacted}`);
    else terminal.err(`nothing to compact at revision ${told.revision}`);
    return exitCodes.ok;
  },
});

async function compactTo(client: GatewayClient, revision: number): Promise<Compacted> {
  const { header } = await client.compact({ revision });
  return { compacted: revision, revision: header.revision };
}

async function compactBehind(client: GatewayClient, keep: number): Promise<Compacted> {
  // About a lease that nobody has any user may ask; the answer tells the revision.
  const { header } = await client.leaseTimeToLive({ id: 1n });
  const nothing = { compacted: null, revision: header.revision };
  if (header.revision - keep < 1) return nothing;
  try {
    return await compactTo(client, header.revision - keep);
  } catch (error) {
    if (CoordinationError.is(error) && error.code === "COMPACTED") return nothing;
    throw error;
  }
}

function readRevision(text: string): number {
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (revision >= 1 && Number.isSafeInteger(revision)) return revision;
  throw usageError(`REVISION must be an integer >= 1 (got ${JSON.stringify(text)})`);
}
