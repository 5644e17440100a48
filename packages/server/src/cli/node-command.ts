import type { InitialMember, Member } from "holdfast/coordination";
import type { Address } from "holdfast/runtime";
import { gossipPlaces, gossipPortOffset, gossipSeeds } from "../gossip/gossip-address.ts";
import type { NodeGossip } from "../gossip/node-gossip.ts";
import type { Served } from "../serve.ts";
import { addressText } from "../supervisor/cluster-plan.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, usageError } from "./exit.ts";
import { explained } from "./explain-start.ts";
import { address, addresses, flag, integer, peers, text } from "./option.ts";
import { aborted, stopSignal } from "./stop-signal.ts";

const local = (port: number): { host: string; port: number } => ({ host: "127.0.0.1", port });

export const nodeCommand: Command = defineCommand({
  name: "node",
  summary: "run one member of a cluster",
  examples: [
    "holdfast node --name n1 --data /var/lib/holdfast --cluster n1=127.0.0.1:2380",
    "holdfast node --name n2 --data ./n2 --client 10.0.0.2:2379 --peer 10.0.0.2:2380 \\",
    "  --http 10.0.0.2:2381 --cluster n1=10.0.0.1:2380,n2=10.0.0.2:2380,n3=10.0.0.3:2380",
    "holdfast node --name n2 --data ./n2 --client 10.0.0.2:2379 --peer 10.0.0.2:2380 \\",
    "  --http 10.0.0.2:2381 --join 10.0.0.1:2382   # the running members say who --cluster is",
  ],
  options: {
    name: text({ placeholder: "NAME", required: true, help: "this member's name, one of --cluster" }),
    data: text({ placeholder: "DIR", required: true, help: "where its log and snapshots live" }),
    cluster: peers("every member of the initial cluster and where its peers reach it; required without --join"),
    join: addresses({ help: "gossip ports of members to find the others through" }),
    client: address({ default: local(2379), help: "listen here for clients" }),
    peer: address({ default: local(2380), help: "listen here for the other members" }),
    http: address({ default: local(2381), help: "listen here for people: status over HTTP" }),
    gossip: address({
      help: `listen here for the other members' gossip about who is alive (default ${gossipPortOffset} above --peer)`,
    }),
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
    const { name, join, clusterName } = options;
    if (options.cluster === undefined && join === undefined) {
      throw usageError("--cluster is required, or --join to learn it from a running member");
    }
    const self = options.cluster && memberNamed(name, options.cluster, "--cluster");
    if (options.electionTimeoutMs < 2 * options.heartbeatMs) {
      throw usageError(
        `--election-timeout-ms must be at least twice --heartbeat-ms ${options.heartbeatMs} (got ${options.electionTimeoutMs})`,
      );
    }
    const stop = options.supervised ? supervisedStop() : stopSignal();
    const clientUrl = `http://${addressText(options.client)}`;
    const httpUrl = `http://${addressText(options.http)}`;

    const peer = addressText(self?.peer ?? options.peer);
    const places = gossipPlaces(options, self?.peer);
    const used = { ...options, gossip: places.listen };
    const say = (line: string): void => {
      if (!options.supervised) terminal.err(line);
    };

    // Loaded here and not above: help must not wait for the servers' libraries.
    const [{ createMember }, { nodeRuntime }, { serveMember }, { startNodeGossip }, { learnCluster }] =
      await Promise.all([
        import("holdfast/coordination"),
        import("holdfast/runtime"),
        import("../serve.ts"),
        import("../gossip/node-gossip.ts"),
        import("../gossip/learn-cluster.ts"),
      ]);
    const runtime = nodeRuntime();
    const startGossip = (seeds: readonly Address[]): Promise<NodeGossip> =>
      explained(used, () =>
        startNodeGossip({ runtime, name, clusterName, places, seeds, notice: { clientUrl, httpUrl, peer }, say }),
      );
    let gossip: NodeGossip | undefined;
    let member: Member | undefined;
    let served: Served;
    try {
      let { cluster } = options;
      if (cluster === undefined) {
        const seeds = join ?? [];
        gossip = await startGossip(seeds);
        say(`looking for the cluster through ${seeds.map(addressText).join(", ")}`);
        cluster = await learnCluster({ gossip, seeds, clock: runtime.clock, signal: stop });
        memberNamed(name, cluster, "the cluster's members");
      }
      const members = cluster;
      member = await explained(used, () =>
        createMember({
          runtime,
          name,
          directory: options.data,
          peer: options.peer,
          cluster: { name: clusterName, members },
          clientUrls: [clientUrl],
          httpUrls: [httpUrl],
          heartbeatMs: options.heartbeatMs,
          electionTimeoutMs: options.electionTimeoutMs,
          ...(options.snapshotEntries === undefined ? {} : { snapshotEntries: options.snapshotEntries }),
          onFact: (fact) => {
            if (fact.type === "roleChanged" && member !== undefined) gossip?.setRole(member.status().role);
          },
        }),
      );
      gossip ??= await startGossip(join ?? gossipSeeds(members));
      gossip.setRole(member.status().role);
      const { membership } = gossip;
      const started = member;
      served = await explained(used, () =>
        serveMember({ member: started, membership, client: options.client, http: options.http }),
      );
    } catch (error) {
      await Promise.all([gossip?.leave(), member?.close()]);
      if (stop.aborted && error === stop.reason) return exitCodes.ok;
      throw error;
    }

    if (options.json) terminal.document({ ready: true, name, pid: process.pid, clientUrl, httpUrl });
    else terminal.out(`${name} is ready: clients at ${clientUrl}, people at ${httpUrl}`);
    return await serveUntil(stop, { member, served, gossip }, say);
  },
});

/** @throws ExitError (usage) when the cluster has no such member */
function memberNamed(name: string, cluster: readonly InitialMember[], whose: string): InitialMember {
  const found = cluster.find((member) => member.name === name);
  if (found !== undefined) return found;
  const names = cluster.map((member) => member.name).join(", ");
  throw usageError(`--name must be one of ${whose}: ${names} (got ${JSON.stringify(name)})`);
}

interface RunningNode {
  readonly member: Member;
  readonly served: Served;
  readonly gossip: NodeGossip;
}

/** Serves until asked to stop (exit 0) or until the member stops by itself. @throws ExitError (environment) */
async function serveUntil(stop: AbortSignal, node: RunningNode, say: (line: string) => void): Promise<0> {
  const { member, served, gossip } = node;
  void gossip.membership.failed.then((error) => say(`no longer watches the other members: ${error.message}`));
  const failure = await Promise.race([member.failed, aborted(stop).then(() => undefined)]);
  if (failure === undefined) say(`${String(stop.reason)}: stopping`);
  await Promise.all([served.close(), gossip.leave()]);
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
