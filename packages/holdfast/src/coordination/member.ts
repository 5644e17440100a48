import {
  createNode,
  defaultNodeOptions,
  tcpTransport,
  witnessState,
  type Fact,
  type NodeId,
  type NodeOptions,
  type PeerTransport,
  type PlantedBug,
  type ReadMode,
} from "../consensus/index.ts";
import { checkOneOf, InvalidArgumentError, shielded } from "../errors/base.ts";
import type { Address, Passwords, Runtime } from "../runtime/index.ts";
import type { Tracer } from "../telemetry/index.ts";
import { AuthTokens } from "./auth/auth-tokens.ts";
import { checkAutoCompaction, type AutoCompactionOptions } from "./compaction/auto-compaction-options.ts";
import type { Outcome } from "./key-value/command.ts";
import { createKeyValueStateMachine } from "./key-value/key-value-state-machine.ts";
import { checkLeaseOptions, type LeaseOptions } from "./leases/lease-options.ts";
import type { InitialCluster } from "./member-identity.ts";
import { initialPlace, joinedPlace, type JoinedCluster, type MemberPlace } from "./member-place.ts";
import type { PeerScheme } from "./cluster/peer-url.ts";
import { refuseRemoved } from "./cluster/removed-peers.ts";
import { proposalSpans } from "./proposal-spans.ts";
import { ReplicatedMember, type Compacted } from "./replicated-member.ts";
import type { SessionLimits } from "./key-value/session-table.ts";
import { checkWatchLimits, type WatchLimits } from "./watches/watch-limits.ts";

export interface MemberOptions {
  readonly runtime: Runtime;
  /** One of the cluster's members; a member that joins may give itself any name. */
  readonly name: string;
  /** This member's own directory; made when it is not there, refused when it is another member's. */
  readonly directory: string;
  /** Where to listen for peers. */
  readonly peer: Address;
  /** Of a member that the cluster started with. Either this or `join`. */
  readonly cluster?: InitialCluster;
  /** Of a member that was added later (`ClusterAdministration.memberAdd`). */
  readonly join?: JoinedCluster;
  /** Published to the other members, for clients to find; but for a witness, which has nothing to tell them. */
  readonly clientUrls: readonly string[];
  readonly httpUrls: readonly string[];
  /** How members are told that are reached in TLS, where the runtime's network speaks it: `https`. Default `http`. */
  readonly peerScheme?: PeerScheme;
  /** Default 100; at least 10. */
  readonly heartbeatMs?: number;
  /** Default 500; at least twice the heartbeat. An election starts after one to two times this. */
  readonly electionTimeoutMs?: number;
  /** How a leader confirms that it leads before a read; `lease` trusts the members' clocks. Default `quorum`. */
  readonly reads?: ReadMode;
  /** With `lease`: how much faster one member's clock may run than another's. 0..1, default 0.1. */
  readonly clockDriftRatio?: number;
  /** A leader whose disk takes longer for one write hands over. Default ten election timeouts. */
  readonly diskHangMs?: number;
  /** Entries between snapshots, unless 64 MiB of commands come first. Default 100 000. */
  readonly snapshotEntries?: number;
  /** Entries kept behind a snapshot, 16 MiB at most. Default 5 000. */
  readonly trailingEntries?: number;
  readonly segmentBytes?: number;
  /** Bytes of commands in one append to a follower. Default 256 KiB. */
  readonly maxAppendBytes?: number;
  /** Requests of one kind that wait at once before more are refused with TOO_MANY_REQUESTS. Default 20 000. */
  readonly maxWaiting?: number;
  /** Must be the same on every member. */
  readonly sessionLimits?: Partial<SessionLimits>;
  /** Bytes of keys and values, all versions, at which no more is taken: see Alarm. Default 2 GiB. */
  readonly quotaBytes?: number;
  /** As leader, makes voters of learners as soon as they have caught up. Default false. */
  readonly autoPromote?: boolean;
  /**
   * Lets history go by itself; the leader's counts. Default: it is kept until somebody calls `compact`, as with etcd,
   * because whoever reads or watches on from an old revision loses by it.
   */
  readonly autoCompaction?: AutoCompactionOptions;
  readonly leases?: Partial<LeaseOptions>;
  readonly watches?: Partial<WatchLimits>;
  /** What users' passwords are kept by. Default: Node's crypto. */
  readonly passwords?: Passwords;
  readonly onFact?: (fact: Fact) => void;
  /** History was compacted here, by itself or because somebody asked for it. */
  readonly onCompacted?: (told: Compacted) => void;
  /** A peer turned us away, or sent what it must not. */
  readonly onRefused?: (peer: NodeId | undefined, reason: string) => void;
  /**
   * Members that say nothing to each other, as followers do, let each other know that they are there, once a heartbeat:
   * `contacts` then tells of every way whether something comes over it. Default false.
   */
  readonly peerBeats?: boolean;
  /** Puts something between this member and its peers' transport: faults, in tests. */
  readonly wrapTransport?: (transport: PeerTransport) => PeerTransport;
  /**
   * Gives each write made here a span, with its entry's way through the log as events, and one of the same trace at the
   * leader that a follower forwards it to, where that has a tracer too. Default none.
   */
  readonly tracer?: Pick<Tracer, "startSpan">;
  readonly plant?: PlantedBug;
}

const defaultQuotaBytes = 2 * 1024 ** 3;

const passedOn = [
  "runtime",
  "directory",
  "heartbeatMs",
  "electionTimeoutMs",
  "reads",
  "clockDriftRatio",
  "diskHangMs",
  "snapshotEntries",
  "trailingEntries",
  "segmentBytes",
  "maxAppendBytes",
  "plant",
] as const;

/**
 * Starts one member of a replicated key-value cluster in this process: a witness, where `cluster` or `join` says so of it.
 *
 * @throws InvalidArgumentError for an option that breaks its rule; ForeignDirectoryError, LogCorruptError, or the
 * platform's error (`EADDRINUSE`, `EACCES`, `ELOCKED`, …) when the directory or the peer port cannot be used
 * @example
 * const members = [{ name: "a", peer: { host: "127.0.0.1", port: 2380 } }];
 * const member = await createMember({
 *   runtime: nodeRuntime(), name: "a", directory: "./data", peer: members[0].peer,
 *   cluster: { name: "example", members }, clientUrls: [], httpUrls: [],
 * });
 */
export async function createMember(options: MemberOptions): Promise<ReplicatedMember> {
  checkOptions(options);
  const { runtime, name, plant } = options;
  const place = placeOf(options);
  const { id } = place;
  const leases = checkLeaseOptions(options.leases, options.electionTimeoutMs);
  const watches = checkWatchLimits(options.watches);
  const autoCompaction = checkAutoCompaction(options.autoCompaction);
  const tokens = new AuthTokens(() => runtime.clock.now());
  const machine = createKeyValueStateMachine({
    tokens,
    maxLeases: leases.maxLeases,
    plant: {
      dropSessionsInSnapshot: plant === "sessions-lost-in-snapshot",
      renewLeasesInSnapshot: plant === "leases-renewed-in-snapshot",
      restoreSilently: plant === "watchers-miss-snapshot",
      dropCompactionInSnapshot: plant === "compaction-lost-in-snapshot",
    },
    ...(options.sessionLimits === undefined ? {} : { sessionLimits: options.sessionLimits }),
  });
  const { httpUrls } = options;
  const kind = place.isWitness ? { clientUrls: [], isWitness: true } : { clientUrls: options.clientUrls };
  const { peerUrls } = place.members.find((info) => info.id === BigInt(id))!;
  const self = { id: BigInt(id), name, peerUrls, httpUrls, ...kind };
  const spans =
    options.tracer &&
    proposalSpans({
      tracer: options.tracer,
      now: () => runtime.clock.now(),
      nameOf: (id) => machine.members().find((info) => info.id === BigInt(id))?.name ?? id.toString(16),
    });
  const member = new ReplicatedMember({
    spans,
    clock: runtime.clock,
    random: runtime.random.fork("sessions"),
    machine,
    self,
    clusterId: place.clusterId,
    initialMembers: place.members,
    quotaBytes: options.quotaBytes ?? defaultQuotaBytes,
    autoPromote: options.autoPromote ?? false,
    peerScheme: options.peerScheme ?? "http",
    leases,
    watches,
    tokens,
    passwords: options.passwords,
    autoCompaction,
    onCompacted: shielded(options.onCompacted, () => undefined),
    maxWaiting: options.maxWaiting ?? 20_000,
    ...(options.electionTimeoutMs === undefined ? {} : { electionTimeoutMs: options.electionTimeoutMs }),
  });
  const transport = tcpTransport({
    network: runtime.network,
    clock: runtime.clock,
    random: runtime.random.fork("transport"),
    clusterId: place.clusterId,
    id,
    listen: options.peer,
    advertise: place.advertise,
    peers: place.peers,
    takesNotes: spans !== undefined,
    beatMs: options.peerBeats === true ? (options.heartbeatMs ?? defaultNodeOptions.heartbeatMs) : 0,
    onRefused: (peer, reason) => {
      member.onRefused(reason);
      options.onRefused?.(peer, reason);
    },
  });
  const refusing = refuseRemoved(options.wrapTransport?.(transport) ?? transport, () => machine.cluster.removed);
  const node = await createNode({
    ...nodeOptions(options),
    id,
    clusterId: place.clusterId,
    configuration: place.configuration,
    transport: refusing,
    stateMachine: place.isWitness ? witnessState : machine,
    onApplied: (entry, outcome) => {
      // A witness is not told what comes of entries, nor what they say.
      if (place.isWitness) return;
      member.onApplied(entry, outcome as Outcome);
      refusing.refresh();
    },
    onConfiguration: (configuration, _, committed) => member.onConfiguration(configuration, committed),
    onFact: (fact) => {
      member.onFact(fact);
      options.onFact?.(fact);
    },
    ...(spans === undefined ? {} : { proposals: spans }),
  });
  member.start(node);
  return member;
}

/** What the node takes as it was given; what was not given is left to its defaults. */
function nodeOptions(options: MemberOptions): Pick<NodeOptions, (typeof passedOn)[number]> {
  const given = passedOn.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(given) as Pick<NodeOptions, (typeof passedOn)[number]>;
}

function checkOptions(options: MemberOptions): void {
  if (options.name === "") throw new InvalidArgumentError("name", "must not be empty", options.name);
  if (options.peerScheme !== undefined) checkOneOf("peerScheme", options.peerScheme, ["http", "https"]);
  const { heartbeatMs, electionTimeoutMs } = { ...defaultNodeOptions, ...options };
  atLeast("heartbeatMs", heartbeatMs, 10);
  atLeast("electionTimeoutMs", electionTimeoutMs, 2 * heartbeatMs);
  for (const name of ["snapshotEntries", "maxWaiting", "segmentBytes", "maxAppendBytes", "quotaBytes"] as const) {
    if (options[name] !== undefined) atLeast(name, options[name], 1);
  }
  if (options.trailingEntries !== undefined) atLeast("trailingEntries", options.trailingEntries, 0);
}

function atLeast(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(name, `must be an integer >= ${least}`, value);
  }
}

function placeOf({ cluster, join, name }: MemberOptions): MemberPlace {
  if (cluster !== undefined && join !== undefined) {
    throw new InvalidArgumentError("join", "must not be given with cluster", join);
  }
  if (join !== undefined) return joinedPlace(join);
  if (cluster === undefined) throw new InvalidArgumentError("cluster", "is required, or join", cluster);
  return initialPlace(cluster, name);
}
