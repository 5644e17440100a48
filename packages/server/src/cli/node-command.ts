import type { Member } from "holdfast/coordination";
import { HoldfastError } from "holdfast/errors";
import type { Served } from "../serve.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { describePortError } from "../supervisor/port-check.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, ExitError, usageError } from "./exit.ts";
import { address, flag, integer, peers, text } from "./option.ts";
import { aborted, stopSignal } from "./stop-signal.ts";

const local = (port: number): { host: string; port: number } => ({ host: "127.0.0.1", port });

export const nodeCommand: Command = defineCommand({
  name: "node",
  summary: "run one member of a cluster",
  examples: [
    "holdfast node --name n1 --data /var/lib/holdfast --cluster n1=127.0.0.1:2380",
    "holdfast node --name n2 --data ./n2 --client 10.0.0.2:2379 --peer 10.0.0.2:2380 \\",
    "  --http 10.0.0.2:2381 --cluster n1=10.0.0.1:2380,n2=10.0.0.2:2380,n3=10.0.0.3:2380",
  ],
  options: {
    name: text({ placeholder: "NAME", required: true, help: "this member's name, one of --cluster" }),
    data: text({ placeholder: "DIR", required: true, help: "where its log and snapshots live" }),
    cluster: peers("every member of the initial cluster and where its peers reach it"),
    client: address({ default: local(2379), help: "listen here for clients" }),
    peer: address({ default: local(2380), help: "listen here for the other members" }),
    http: address({ default: local(2381), help: "listen here for people: status over HTTP" }),
    clusterName: text({ placeholder: "NAME", default: "holdfast", help: "members of another cluster are refused" }),
    heartbeatMs: integer({ min: 10, max: 60_000, default: 100, help: "the leader shows itself this often" }),
    electionTimeoutMs: integer({
      min: 10,
      max: 600_000,
      default: 500,
      help: "without a leader for this long, elect another; several heartbeats",
    }),
    snapshotEntries: integer({ min: 1, max: 1e9, help: "take a snapshot after so many log entries" }),
    json: flag("print the ready line as JSON"),
    supervised: flag("stop when stdin closes; leave SIGINT to the supervisor", { hidden: true }),
  },
  async run({ options, terminal }) {
    const self = options.cluster.find((member) => member.name === options.name);
    if (self === undefined) {
      const names = options.cluster.map((member) => member.name).join(", ");
      throw usageError(`--name must be one of --cluster: ${names} (got ${JSON.stringify(options.name)})`);
    }
    if (options.electionTimeoutMs < 2 * options.heartbeatMs) {
      throw usageError(
        `--election-timeout-ms must be at least twice --heartbeat-ms ${options.heartbeatMs} (got ${options.electionTimeoutMs})`,
      );
    }
    const stop = options.supervised ? supervisedStop() : stopSignal();
    const clientUrl = `http://${addressText(options.client)}`;
    const httpUrl = `http://${addressText(options.http)}`;

    // Loaded here and not above: help must not wait for the servers' libraries.
    const [{ createMember }, { nodeRuntime }, { serveMember }] = await Promise.all([
      import("holdfast/coordination"),
      import("holdfast/runtime"),
      import("../serve.ts"),
    ]);
    const member = await explained(options, () =>
      createMember({
        runtime: nodeRuntime(),
        name: options.name,
        directory: options.data,
        peer: options.peer,
        cluster: { name: options.clusterName, members: options.cluster },
        clientUrls: [clientUrl],
        httpUrls: [httpUrl],
        heartbeatMs: options.heartbeatMs,
        electionTimeoutMs: options.electionTimeoutMs,
        ...(options.snapshotEntries === undefined ? {} : { snapshotEntries: options.snapshotEntries }),
      }),
    );
    let served: Served;
    try {
      served = await explained(options, () => serveMember({ member, client: options.client, http: options.http }));
    } catch (error) {
      await member.close();
      throw error;
    }

    if (options.json) terminal.document({ ready: true, name: options.name, pid: process.pid, clientUrl, httpUrl });
    else terminal.out(`${options.name} is ready: clients at ${clientUrl}, people at ${httpUrl}`);
    return await serveUntil(stop, member, served, (line) => {
      if (!options.supervised) terminal.err(line);
    });
  },
});

/** Serves until asked to stop (exit 0) or until the member stops by itself. @throws ExitError (environment) */
async function serveUntil(stop: AbortSignal, member: Member, served: Served, say: (line: string) => void): Promise<0> {
  const failure = await Promise.race([member.failed, aborted(stop).then(() => undefined)]);
  if (failure === undefined) say(`${String(stop.reason)}: stopping`);
  await served.close();
  await member.close();
  if (failure !== undefined) throw environmentError(`${member.name} stopped by itself: ${failure.message}`, failure);
  say(`${member.name} has stopped; its data is kept`);
  return exitCodes.ok;
}

/** Stops with the supervisor: on its SIGTERM, or when it is gone and the pipe from it closes. */
function supervisedStop(): AbortSignal {
  // Ctrl-C and a closed terminal reach every process of the group; the supervisor decides what they mean.
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  const controller = new AbortController();
  process.stdin.on("end", () => controller.abort("the supervisor is gone"));
  process.stdin.on("error", () => controller.abort("the supervisor is gone"));
  process.stdin.resume();
  return AbortSignal.any([controller.signal, stopSignal(["SIGTERM"])]);
}

interface Places {
  readonly name: string;
  readonly data: string;
  readonly client: { readonly host: string; readonly port: number };
  readonly peer: { readonly host: string; readonly port: number };
  readonly http: { readonly host: string; readonly port: number };
}

/** Says of an error of the surroundings which option it concerns. */
async function explained<T>(options: Places, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof ExitError) throw error;
    if (HoldfastError.is(error) && error.code === "INVALID_ARGUMENT") throw usageError(error.message);
    throw environmentError(explain(error as Error, options), error);
  }
}

function explain(error: Error, options: Places): string {
  // The platform's error, with the port it concerns, lies below what wraps it.
  const platform = deepest(error) as NodeJS.ErrnoException & { readonly port?: number };
  const code = platform.code ?? "";
  if (["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"].includes(code)) {
    const name = (["client", "peer", "http"] as const).find((candidate) => options[candidate].port === platform.port);
    if (name !== undefined) return `${describePortError(options[name], platform)}; choose another: --${name} HOST:PORT`;
  }
  if (code === "EACCES" || code === "EROFS" || code === "EPERM" || code === "ENOTDIR" || code === "ENOENT") {
    return `the data directory ${options.data} cannot be written (${code}); name another one: --data DIR`;
  }
  if (code === "ELOCKED") return `${error.message}; is ${options.name} running already? Else name another: --data DIR`;
  if ((error as { readonly code?: unknown }).code === "FOREIGN_DIRECTORY") {
    return `${error.message}; name ${options.name}'s own directory: --data DIR`;
  }
  return error.message;
}

function deepest(error: Error): Error {
  return error.cause instanceof Error ? deepest(error.cause) : error;
}
