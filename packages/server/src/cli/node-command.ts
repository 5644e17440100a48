import type { ReplicatedMember } from "holdfast/coordination";
import type { Address, TlsIdentity } from "holdfast/runtime";
import { gossipPlaces, gossipPortOffset, gossipSeeds } from "../gossip/gossip-address.ts";
import type { NodeGossip } from "../gossip/node-gossip.ts";
import type { ServeTls } from "../port.ts";
import type { Served } from "../serve.ts";
import { certificateExpiry, type CertificateExpiry } from "../tls/certificate-expiry.ts";
import { addressText, timerPresets } from "../supervisor/cluster-plan.ts";
import { defineCommand, type Command } from "./command.ts";
import { autoCompaction, compactionOptions } from "./compaction-options.ts";
import { dashboardIsOff, dashboardOptions, dashboardTls, dashboardToken, tokenIsExposed } from "./dashboard-options.ts";
import { exitCodes, usageError } from "./exit.ts";
import { explained } from "./explain-start.ts";
import { memberNamed } from "./member-named.ts";
import { openNodeKeyring } from "./node-keyring.ts";
import { nodeTimers } from "./node-timers.ts";
import { nodeTls, tlsOptions } from "./node-tls.ts";
import { address, addresses, choice, flag, integer, memberNames, peers, text } from "./option.ts";
import { serveUntil } from "./serve-until.ts";
import { stopSignal } from "./stop-signal.ts";
import { openTracer, traceOptions } from "./trace-options.ts";
import { withWitnesses } from "./witnesses.ts";

const supervisorDelayMs = 1_000;

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
    "holdfast node --name w --data ./w --client 10.0.0.3:2379 --peer 10.0.0.3:2380 \\",
    "  --http 10.0.0.3:2381 --cluster a=10.0.0.1:2380,b=10.0.0.2:2380,w=10.0.0.3:2380 --witness w",
    "holdfast member add n4 --peer 10.0.0.4:2380   # then, on the new machine:",
    "holdfast node --name n4 --data ./n4 --client 10.0.0.4:2379 --peer 10.0.0.4:2380 \\",
    "  --http 10.0.0.4:2381 --join 10.0.0.1:2382",
    "holdfast node --name n2 … --gossip-keyring keyring.json   # sealed; made by: holdfast keygen --json",
  ],
  options: {
    name: text({ placeholder: "NAME", required: true, help: "this member's name, one of --cluster" }),
    data: text({ placeholder: "DIR", required: true, help: "where its log and snapshots live" }),
    cluster: peers("every member of the initial cluster and where its peers reach it; required without --join"),
    witness: memberNames({
      help: "those of --cluster that vote and hold no keys, no majority of them; the same on all members",
    }),
    clusterState: choice({
      choices: ["new", "existing"],
      default: "new",
      help: "existing: this member was added to a running cluster, whose members are in --cluster",
    }),
    join: addresses({ help: "gossip ports of members to find the others through" }),
    client: address({ default: local(2379), help: "listen here for clients" }),
    peer: address({ default: local(2380), help: "listen here for the other members" }),
    http: address({ default: local(2381), help: "listen here for people: status over HTTP" }),
    gossip: address({
      help: `listen here for the other members' gossip about who is alive (default ${gossipPortOffset} above --peer)`,
    }),
    gossipKeyring: text({
      placeholder: "FILE",
      help: "seal the gossip with the keys of this file, the first one to send with; read again on SIGHUP",
    }),
    clusterName: text({ placeholder: "NAME", default: "holdfast", help: "members of another cluster are refused" }),
    timers: choice({
      choices: timerPresets,
      default: "standard",
      help: "--heartbeat-ms and --election-timeout-ms: standard is 100 and 500, fast is 20 and 120",
    }),
    heartbeatMs: integer({ min: 10, max: 60_000, help: "the leader shows itself this often" }),
    electionTimeoutMs: integer({
      min: 10,
      max: 600_000,
      help: "without a leader for this long, elect another; several heartbeats",
    }),
    quotaBytes: integer({
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      default: 2 * 1024 ** 3,
      help: "raise the NOSPACE alarm, and take no more, when keys and values take so many bytes",
    }),
    autoPromote: flag("as leader, make voters of learners that have caught up"),
    snapshotEntries: integer({
      min: 1,
      max: 1e9,
      default: 100_000,
      help: "take a snapshot after so many log entries",
    }),
    ...compactionOptions,
    drainGraceMs: integer({
      min: 0,
      max: 3_600_000,
      default: 0,
      help: "asked to stop, say so long that it is not ready, and serve on",
    }),
    ...tlsOptions,
    ...dashboardOptions,
    ...traceOptions,
    json: flag("print the ready line as JSON"),
    through: { ...text({ placeholder: "FILE", help: "reach members by way of other addresses" }), hidden: true },
    supervised: flag("stop when stdin closes; leave SIGINT to the supervisor", { hidden: true }),
  },
  async run({ options, terminal }) {
    const { name, join, clusterName } = options;
    if (options.cluster === undefined && join === undefined) {
      throw usageError("--cluster is required, or --join to learn it from a running member");
    }
    const founders = withWitnesses(options.cluster, options.witness, options.clusterState);
    const self = founders && memberNamed(name, founders, "--cluster");
    const timers = await nodeTimers(options);
    const compaction = autoCompaction(options);
    const { gossipKeyring } = options;
    const tls = nodeTls(options);
    const tracer = await openTracer(options, name);
    const token = dashboardToken(options.dashboardTokenFile);
    const dashboard = {
      ...(token === undefined ? {} : { token }),
      hosts: options.dashboardHost,
      tls: dashboardTls(options.dashboardCaFile, tls.own),
    };
    const signals: readonly NodeJS.Signals[] = [
      "SIGINT",
      "SIGTERM",
      // Where there is something to read again, it does not stop the node.
      ...(gossipKeyring === undefined && tls.client === undefined && tls.peer === undefined
        ? (["SIGHUP"] as const)
        : []),
    ];
    const stop = options.supervised ? supervisedStop() : stopSignal(signals);
    const scheme = tls.client === undefined ? "http" : "https";
    const clientUrl = `${scheme}://${addressText(options.client)}`;
    const httpUrl = `${scheme}://${addressText(options.http)}`;

    const peer = addressText(self?.peer ?? options.peer);
    const places = gossipPlaces(options, self?.peer);
    const used = { ...options, gossip: places.listen };
    const say = (line: string): void => {
      if (!options.supervised) terminal.err(line);
    };

    const keyring =
      gossipKeyring === undefined ? undefined : await openNodeKeyring(gossipKeyring, options.supervised, terminal);

    // Loaded here and not above: help must not wait for the servers' libraries.
    const [
      { createMember },
      { nodeRuntime, renewableTls },
      { bcryptPasswords },
      { serveMember },
      { startNodeGossip },
      { findCluster },
      telemetryModule,
      { routedNetwork },
      { routeFile },
    ] = await Promise.all([
      import("holdfast/coordination"),
      import("holdfast/runtime"),
      import("../passwords/bcrypt-passwords.ts"),
      import("../serve.ts"),
      import("../gossip/node-gossip.ts"),
      import("./find-cluster.ts"),
      import("./node-telemetry.ts"),
      import("../supervisor/routed-network.ts"),
      import("../supervisor/route-file.ts"),
    ]);
    const peerTls = tls.peer && renewableTls(tls.peer);
    const world = nodeRuntime(peerTls === undefined ? {} : { tls: peerTls });
    const { through } = options;
    const network = through === undefined ? undefined : routedNetwork(world.network, routeFile(through));
    const runtime = network === undefined ? world : { ...world, network };
    const telemetry = telemetryModule.createNodeTelemetry({
      clock: runtime.clock,
      nodeId: name,
      quotaBytes: options.quotaBytes,
      certificates: tls.lives,
      tracer,
    });
    let expiry: CertificateExpiry | undefined;
    let gossip: NodeGossip | undefined;
    const startGossip = async (seeds: readonly Address[]): Promise<NodeGossip> => {
      const notice = { clientUrl, httpUrl, peer };
      const onEvent = telemetry.onMembershipEvent;
      const started = { runtime, name, clusterName, places, seeds, notice, keyring, onEvent, say };
      gossip = await explained(used, () => startNodeGossip(started));
      return gossip;
    };
    let member: ReplicatedMember | undefined;
    let served: Served;
    try {
      const cluster = await findCluster({
        runtime,
        places: used,
        clusterName,
        cluster: founders,
        isExisting: options.clusterState === "existing",
        seeds: join ?? [],
        tls: tls.own,
        startGossip,
        signal: stop,
        say,
      });
      const { home, members } = cluster;
      member = await explained(used, () =>
        createMember({
          runtime: { ...runtime, disk: telemetry.metrics.measured(runtime.disk) },
          name,
          directory: options.data,
          peer: options.peer,
          ...home,
          quotaBytes: options.quotaBytes,
          peerBeats: true,
          passwords: bcryptPasswords(),
          autoPromote: options.autoPromote,
          ...(peerTls === undefined ? {} : { peerScheme: "https" }),
          clientUrls: [clientUrl],
          httpUrls: [httpUrl],
          ...timers,
          snapshotEntries: options.snapshotEntries,
          ...(compaction === undefined ? {} : { autoCompaction: compaction }),
          onCompacted: (told) => telemetry.telemetry.publish({ type: "historyCompacted", ...told }),
          ...(tracer === undefined ? {} : { tracer }),
          onFact: (fact) => {
            telemetry.onFact(fact);
            if (fact.type === "roleChanged" && member !== undefined) gossip?.setRole(member.status().role);
          },
        }),
      );
      const started = member;
      telemetry.setMember(started);
      await explained(used, () => cluster.remember());
      gossip ??= await startGossip(join ?? gossipSeeds(members));
      gossip.setRole(started.status().role);
      const { view: membership } = gossip;
      const { recorder: events, onServeEvent: onEvent } = telemetry;
      served = await explained(used, () =>
        serveMember({
          member: started,
          membership,
          events,
          metrics: telemetry.metrics.metrics,
          dashboard,
          client: options.client,
          http: options.http,
          ...(tls.client === undefined ? {} : { tls: tls.client }),
          ...(tracer === undefined ? {} : { tracer }),
          ...(tls.lives().length === 0 ? {} : { warnings: { certificates: () => expiry?.degraded } }),
          onEvent,
        }),
      );
      const takers = {
        clients(next: ServeTls) {
          served.setTls(next);
          expiry?.look();
        },
        peers(next: TlsIdentity) {
          peerTls?.renew(next);
          expiry?.look();
        },
      };
      tls.watch(takers, options.supervised, terminal);
    } catch (error) {
      await Promise.all([gossip?.leave(), member?.close()]);
      if (stop.aborted && error === stop.reason) return exitCodes.ok;
      throw error;
    }

    const off = dashboardIsOff(options.http, token);
    if (off !== undefined) say(off);
    const exposed = tokenIsExposed(options.dashboardTokenFile);
    if (exposed !== undefined) say(exposed);
    if (options.json) terminal.document({ ready: true, name, pid: process.pid, clientUrl, httpUrl });
    else terminal.out(`${name} is ready: clients at ${clientUrl}, people at ${httpUrl}`);
    const { clock } = runtime;
    const watchExpiry = (): void => {
      expiry = certificateExpiry({
        clock,
        lives: tls.lives,
        publish: (fact) => telemetry.telemetry.publish(fact),
        say: (line) => terminal.err(line),
      });
    };
    // A supervisor passes on what is said by a node that it knows to be ready.
    if (options.supervised) clock.setTimer(supervisorDelayMs, watchExpiry);
    else watchExpiry();
    const running = { member, served, gossip, drainGraceMs: options.drainGraceMs };
    try {
      return await serveUntil(stop, running, say);
    } finally {
      expiry?.close();
      await tracer?.close();
    }
  },
});

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
