import { checkNumber, checkOneOf } from "../errors/base.ts";
import type { Random } from "../runtime/index.ts";
import { noEffects, type Effects, type Role } from "./effects.ts";
import { configurationsIn, type AdoptedConfiguration } from "./configuration-history.ts";
import { ascending, type Configuration } from "./configuration.ts";
import { decidersOf } from "./deciders.ts";
import type { Entry, HardState, NodeId, SnapshotMeta } from "./entry.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { Progress } from "./progress.ts";
import { jointCommittedIndex, jointVoteResult, type JointVoters } from "./quorum/joint.ts";
import type { VoteOutcome } from "./quorum/majority.ts";
import { RaftLog } from "./raft-log.ts";
import type { PendingChange } from "./reconfiguration.ts";

export interface RaftOptions {
  readonly id: NodeId;
  /** What the durable log held: the newest snapshot (or bootstrap position), hard state, and the entries after it. */
  readonly snapshot: SnapshotMeta;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly random: Random;
  /** The core's time before the first tick, milliseconds. Default 0. */
  readonly now?: number;
  /** A follower that hears nothing campaigns after this time, up to twice as long; a leader without a quorum steps down. */
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Bytes of commands in one append, at least one entry. Default 256 KiB. */
  readonly maxAppendBytes?: number;
  /** Appends on their way to one follower. Default 128. */
  readonly maxInFlight?: number;
  /** Bytes of commands on their way to one follower, at which no more are sent. Default 16 MiB. */
  readonly maxInFlightBytes?: number;
  /** Bytes of commands a leader holds uncommitted before it drops new ones. Default 64 MiB. */
  readonly maxUncommittedBytes?: number;
  /** How linearizable reads are confirmed. Default `quorum`. */
  readonly reads?: ReadMode;
  /** How much the rates of two members' clocks may differ, 0..1; a lease is shorter by it. Default 0.1. */
  readonly clockDriftRatio?: number;
  /** A disk that has not finished a write for this long has stalled. Default ten election timeouts. */
  readonly diskHangMs?: number;
  /** The node keeps a log without commands, votes, and never leads. Default false. */
  readonly witness?: boolean;
  readonly plant?: PlantedBug;
}

/**
 * How a leader makes sure that it still leads before a linearizable read: it asks a majority, each time; or it believes
 * in a lease that the followers' answers have given it (dissertation, 6.4.1), for which clocks must run at like rates.
 */
export type ReadMode = "quorum" | "lease";

/** Handing leadership to another member. */
export interface Transfer {
  readonly to: NodeId;
  /** When the leader gives up and goes on leading. */
  readonly deadline: number;
}

/** A round of linearizable reads that waits for a majority to confirm that the leader still leads. */
export interface ReadRound {
  readonly sequence: number;
  readonly index: number;
  readonly id: number;
  /** Who asked; the node itself for its own reads. */
  readonly from: NodeId;
}

/**
 * The state of one Raft node (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm"), with
 * pre-vote and check-quorum (Ongaro's dissertation, 9.6 and 6.2). Changed only by `step`; for everyone else to read.
 */
export interface Raft {
  readonly id: NodeId;
  readonly random: Random;
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly maxAppendBytes: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly reads: ReadMode;
  readonly clockDriftRatio: number;
  readonly diskHangMs: number;
  readonly witness: boolean;
  readonly plant: PlantedBug | undefined;
  /** The latest in the log, committed or not. */
  configuration: Configuration;
  /** That of the log's base, or the last one before it, and each one since. */
  configurations: AdoptedConfiguration[];
  /** The last of them known to be committed. */
  configurationCommitted: number;
  /** Who decides: everything is asked of them through `committedBy`, `votesOf` and `heardQuorum`. */
  voters: JointVoters;
  majorityOf: (voters: number) => number;

  term: number;
  vote: NodeId;
  role: Role;
  leader: NodeId;
  log: RaftLog;
  commit: number;

  /** The time of the last input that told it. */
  now: number;
  electionDeadline: number;
  heartbeatDeadline: number;
  /** When a leader was last heard. */
  leaderHeardAt: number;
  /** The disk has been at one write for too long. */
  diskStalled: boolean;

  votes: Map<NodeId, boolean>;
  progress: Map<NodeId, Progress>;
  /** Bytes of commands appended in this leadership and not committed. */
  uncommittedBytes: number;

  /** The log is durable here up to this index. */
  syncedIndex: number;
  epoch: number;

  readSequence: number;
  readRounds: ReadRound[];
  /** Reads that came before the leader had committed an entry of its term. */
  earlyReads: { readonly id: number; readonly from: NodeId }[];
  /** What this leader asked before this time gives it no lease; infinity when nothing does any more. */
  leaseFrom: number;
  transfer: Transfer | undefined;
  change: PendingChange | undefined;
  /** When the leader stops to send to those that are no members any more. */
  leavingUntil: number;
  /** The term in which this leader, no voter any more, has begun to hand over. */
  departedIn: number;

  effects: Effects;
  /** The hard state last handed out. */
  handedTerm: number;
  handedVote: NodeId;
}

function timing(options: RaftOptions): Pick<Raft, "reads" | "clockDriftRatio" | "diskHangMs"> {
  const { electionTimeoutMs, reads = "quorum", clockDriftRatio = 0.1 } = options;
  const { diskHangMs = 10 * electionTimeoutMs } = options;
  return {
    reads: checkOneOf("raft.reads", reads, ["quorum", "lease"]),
    clockDriftRatio: checkNumber("raft.clockDriftRatio", clockDriftRatio, 0, 0.9),
    diskHangMs: checkNumber("raft.diskHangMs", diskHangMs, 0, Infinity),
  };
}

/** @throws InvalidArgumentError for an option that breaks its rule */
export function createRaft(options: RaftOptions): Raft {
  const { snapshot, hardState } = options;
  const log = new RaftLog(snapshot.index, snapshot.term, options.entries);
  const configurations = configurationsIn(snapshot, options.entries);
  const { configuration } = configurations.at(-1)!;
  const now = options.now ?? 0;
  const raft: Raft = {
    id: options.id,
    random: options.random,
    electionTimeoutMs: options.electionTimeoutMs,
    heartbeatMs: options.heartbeatMs,
    maxAppendBytes: options.maxAppendBytes ?? 256 * 1024,
    maxInFlight: options.maxInFlight ?? 128,
    maxInFlightBytes: options.maxInFlightBytes ?? 16 * 1024 * 1024,
    maxUncommittedBytes: options.maxUncommittedBytes ?? 64 * 1024 * 1024,
    ...timing(options),
    witness: options.witness ?? false,
    plant: options.plant,
    configuration,
    configurations,
    configurationCommitted: snapshot.index,
    ...decidersOf(configuration, options.id, options.plant),
    term: hardState.term,
    vote: hardState.vote,
    role: "follower",
    leader: 0,
    log,
    commit: snapshot.index,
    now,
    electionDeadline: 0,
    heartbeatDeadline: 0,
    // What this node promised a leader in its last life it does not remember: it takes it that it did so just now.
    leaderHeardAt: options.reads === "lease" ? now : Number.NEGATIVE_INFINITY,
    diskStalled: false,
    votes: new Map(),
    progress: new Map(),
    uncommittedBytes: 0,
    syncedIndex: log.lastIndex,
    epoch: 0,
    readSequence: 0,
    readRounds: [],
    earlyReads: [],
    leaseFrom: now,
    transfer: undefined,
    change: undefined,
    leavingUntil: Number.POSITIVE_INFINITY,
    departedIn: 0,
    effects: noEffects(),
    handedTerm: hardState.term,
    handedVote: hardState.vote,
  };
  resetElectionDeadline(raft);
  return raft;
}

/** The highest value that enough voters have reached: a majority, or while voters change one of the old and the new. */
export function committedBy(raft: Raft, valueOf: (voter: NodeId) => number): number {
  return jointCommittedIndex(raft.voters, valueOf, raft.majorityOf);
}

export function votesOf(raft: Raft, votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  return jointVoteResult(raft.voters, votes, raft.majorityOf);
}

/** Whether those voters of whom `isHeard` is true suffice to decide. A node that is to count itself says so. */
export function heardQuorum(raft: Raft, isHeard: (voter: NodeId) => boolean): boolean {
  return committedBy(raft, (voter) => (isHeard(voter) ? 1 : 0)) > 0;
}

export function isVoter(raft: Raft, id: NodeId): boolean {
  const { voters, votersOutgoing } = raft.configuration;
  return voters.includes(id) || votersOutgoing.includes(id);
}

/** Whether a member may be told to lead: it votes and is no witness. */
export function mayLead({ configuration }: Pick<Raft, "configuration">, id: NodeId): boolean {
  const { voters, votersOutgoing, witnesses } = configuration;
  return (voters.includes(id) || votersOutgoing.includes(id)) && !witnesses.includes(id);
}

/**
 * Whether this node may stand for election. One that the latest configuration leaves out still may while that is not
 * committed: it can be the only one that has it. Its own vote does not count then (dissertation, 4.2.2).
 */
export function mayCampaign(raft: Raft): boolean {
  if (raft.witness) return raft.plant === "witness-leads" && isVoter(raft, raft.id);
  const { configurations, configurationCommitted, id } = raft;
  return configurations.some(
    ({ index, configuration }) => index >= configurationCommitted && mayLead({ configuration }, id),
  );
}

/** Draws a new deadline from one to two election timeouts ahead, so that nodes rarely campaign at the same time. */
export function resetElectionDeadline(raft: Raft): void {
  raft.electionDeadline = raft.now + raft.electionTimeoutMs * (1 + raft.random.next());
}

/**
 * Draws when to ask again after a pre-vote that was not won. Soon: asking disturbs nobody, and whoever refused because
 * it had just heard the leader will not refuse for long.
 */
export function resetPreVoteDeadline(raft: Raft): void {
  raft.electionDeadline = raft.now + raft.electionTimeoutMs * (0.2 + 0.5 * raft.random.next());
}

/** Whether a leader was heard recently enough that this node must not help to replace it. */
export function leaderIsFresh(raft: Raft): boolean {
  if (raft.role === "leader") return true;
  return (raft.leader !== 0 || raft.reads === "lease") && holdsOut(raft);
}

/** Who answers a leader that believes in leases promises this, whatever it learns of leaders and terms meanwhile. */
export function holdsOut(raft: Raft): boolean {
  return raft.now - raft.leaderHeardAt < raft.electionTimeoutMs;
}

/** Voters other than this node. */
export function peers(raft: Raft): readonly NodeId[] {
  const { voters, votersOutgoing } = raft.configuration;
  return ascending([...voters, ...votersOutgoing]).filter((voter) => voter !== raft.id);
}
