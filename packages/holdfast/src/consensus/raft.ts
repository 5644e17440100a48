import type { Random } from "../runtime/index.ts";
import { noEffects, type Effects, type Role } from "./effects.ts";
import type { Configuration, Entry, HardState, NodeId, SnapshotMeta } from "./entry.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { Progress } from "./progress.ts";
import { majority } from "./quorum.ts";
import { RaftLog } from "./raft-log.ts";

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
  /** Bytes of commands a leader holds uncommitted before it drops new ones. Default 64 MiB. */
  readonly maxUncommittedBytes?: number;
  readonly plant?: PlantedBug;
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
  readonly maxUncommittedBytes: number;
  readonly plant: PlantedBug | undefined;
  configuration: Configuration;
  /** How many voters decide. */
  quorum: number;

  term: number;
  vote: NodeId;
  role: Role;
  leader: NodeId;
  log: RaftLog;
  commit: number;

  /** The time of the last tick. */
  now: number;
  electionDeadline: number;
  heartbeatDeadline: number;
  /** When the leader was last heard. */
  leaderHeardAt: number;

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

  effects: Effects;
  /** The hard state last handed out. */
  handedTerm: number;
  handedVote: NodeId;
}

export function createRaft(options: RaftOptions): Raft {
  const { snapshot, hardState } = options;
  const log = new RaftLog(snapshot.index, snapshot.term, options.entries);
  const now = options.now ?? 0;
  const raft: Raft = {
    id: options.id,
    random: options.random,
    electionTimeoutMs: options.electionTimeoutMs,
    heartbeatMs: options.heartbeatMs,
    maxAppendBytes: options.maxAppendBytes ?? 256 * 1024,
    maxInFlight: options.maxInFlight ?? 128,
    maxUncommittedBytes: options.maxUncommittedBytes ?? 64 * 1024 * 1024,
    plant: options.plant,
    configuration: snapshot.configuration,
    quorum: 0,
    term: hardState.term,
    vote: hardState.vote,
    role: "follower",
    leader: 0,
    log,
    commit: snapshot.index,
    now,
    electionDeadline: 0,
    heartbeatDeadline: 0,
    leaderHeardAt: Number.NEGATIVE_INFINITY,
    votes: new Map(),
    progress: new Map(),
    uncommittedBytes: 0,
    syncedIndex: log.lastIndex,
    epoch: 0,
    readSequence: 0,
    readRounds: [],
    earlyReads: [],
    effects: noEffects(),
    handedTerm: hardState.term,
    handedVote: hardState.vote,
  };
  useConfiguration(raft, snapshot.configuration);
  resetElectionDeadline(raft);
  return raft;
}

export function useConfiguration(raft: Raft, configuration: Configuration): void {
  const voters = configuration.voters.length;
  raft.configuration = configuration;
  raft.quorum = raft.plant === "wrong-even-majority" ? Math.ceil(voters / 2) : majority(voters);
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
  return raft.leader !== 0 && raft.now - raft.leaderHeardAt < raft.electionTimeoutMs;
}

/** Voters other than this node. */
export function peers(raft: Raft): readonly NodeId[] {
  return raft.configuration.voters.filter((voter) => voter !== raft.id);
}
