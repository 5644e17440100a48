import { setTimeout as delay } from "node:timers/promises";
import type { LeaseId } from "holdfast/coordination";
import type { GatewayClient } from "../client/gateway-client.ts";
import { askCluster, clientOptions } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, failure, usageError, type ExitCode } from "./exit.ts";
import { bytesForJson } from "./key-bytes.ts";
import { leaseText, readLeaseId } from "./lease-id.ts";
import { flag } from "./option.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

interface LeaseCall {
  readonly client: GatewayClient;
  /** What stands behind the action. */
  readonly subject: string | undefined;
  readonly json: boolean;
  readonly once: boolean;
  readonly terminal: Terminal;
}

const actions: Readonly<Record<string, (call: LeaseCall) => Promise<ExitCode>>> = {
  grant,
  revoke,
  "keep-alive": keepAlive,
  show,
  list,
};

export const leaseCommand: Command = defineCommand({
  name: "lease",
  summary: "grant, revoke, keep alive, show or list leases",
  examples: [
    "holdfast lease grant 60",
    "holdfast put session/7 here --lease 694d7a3c9a1f2b05",
    "holdfast lease keep-alive 694d7a3c9a1f2b05",
    "holdfast lease show 694d7a3c9a1f2b05",
    "holdfast lease revoke 694d7a3c9a1f2b05",
    "holdfast lease list --json",
  ],
  positionals: [
    { name: "ACTION", help: Object.keys(actions).join(", ") },
    { name: "SUBJECT", help: "seconds to live for grant, else the lease", optional: true },
  ],
  options: {
    once: flag("with keep-alive: once, instead of until Ctrl-C"),
    ...clientOptions,
  },
  async run({ options, positionals: [action = "", subject], terminal }) {
    const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (act === undefined) {
      throw usageError(`ACTION must be one of ${Object.keys(actions).join(", ")} (got ${JSON.stringify(action)})`);
    }
    if (action === "list" && subject !== undefined) throw usageError(`unexpected argument ${JSON.stringify(subject)}`);
    const { json, once } = options;
    return askCluster(options, (client) => act({ client, subject, json, once, terminal }));
  },
});

async function grant({ client, subject = "", json, terminal }: LeaseCall): Promise<ExitCode> {
  const seconds = /^\d{1,15}$/.test(subject) ? Number(subject) : 0;
  if (seconds < 1)
    throw usageError(`SUBJECT must be the seconds to live, an integer >= 1 (got ${JSON.stringify(subject)})`);
  const { id, ttlSeconds } = await client.leaseGrant({ ttlSeconds: seconds });
  if (json) terminal.document({ lease: leaseText(id), ttlSeconds });
  else terminal.out(`lease ${leaseText(id)} granted for ${ttlSeconds} s`);
  return exitCodes.ok;
}

async function revoke({ client, subject, json, terminal }: LeaseCall): Promise<ExitCode> {
  const id = idOf(subject);
  const { header } = await client.leaseRevoke({ id });
  if (json) terminal.document({ lease: leaseText(id), revision: header.revision });
  else terminal.out(`lease ${leaseText(id)} revoked`);
  return exitCodes.ok;
}

/** At a third of the time to live, so that two may get lost. */
async function keepAlive({ client, subject, json, once, terminal }: LeaseCall): Promise<ExitCode> {
  const id = idOf(subject);
  const signal = once ? undefined : stopSignal();
  for (;;) {
    const { ttlSeconds } = await client.leaseKeepAlive({ id });
    if (ttlSeconds === 0) throw failure(`there is no lease ${leaseText(id)} (any more)`);
    // A line each, also on a terminal.
    if (json) terminal.out(JSON.stringify({ lease: leaseText(id), ttlSeconds }));
    else terminal.out(`lease ${leaseText(id)} kept alive for ${ttlSeconds} s`);
    if (signal === undefined) return exitCodes.ok;
    await delay((ttlSeconds * 1000) / 3, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return exitCodes.ok;
  }
}

async function show({ client, subject, json, terminal }: LeaseCall): Promise<ExitCode> {
  const id = idOf(subject);
  const { ttlSeconds, grantedTtlSeconds, keys } = await client.leaseTimeToLive({ id, keys: true });
  if (ttlSeconds < 0) throw failure(`there is no lease ${leaseText(id)} (any more)`);
  if (json) {
    terminal.document({ lease: leaseText(id), ttlSeconds, grantedTtlSeconds, keys: keys.map(bytesForJson) });
  } else {
    terminal.out(
      `lease ${leaseText(id)} granted for ${grantedTtlSeconds} s, ${ttlSeconds} s left, ${keys.length} keys`,
    );
    for (const key of keys) {
      terminal.raw(key);
      terminal.raw("\n");
    }
  }
  return exitCodes.ok;
}

async function list({ client, json, terminal }: LeaseCall): Promise<ExitCode> {
  const { leases } = await client.leases();
  if (json) terminal.document({ leases: leases.map(leaseText) });
  else for (const id of leases) terminal.out(leaseText(id));
  return exitCodes.ok;
}

function idOf(subject: string | undefined): LeaseId {
  if (subject === undefined) throw usageError("SUBJECT is missing: the lease");
  return readLeaseId(subject, "SUBJECT");
}
