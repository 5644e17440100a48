import { InvalidArgumentError } from "../errors/base.ts";
import type { Runtime } from "../runtime/index.ts";
import type { Fact } from "./effects.ts";
import type { ConfigurationChange } from "./configuration-change.ts";
import { brokenRule, type Configuration } from "./configuration.ts";
import type { Entry, NodeId } from "./entry.ts";
import { openDurableLog } from "./log/open-durable-log.ts";
import { NodeDriver } from "./node-driver.ts";
import type { PeerContact } from "./peer-contacts.ts";
import type { PeerTransport } from "./peer-message.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { ProposalObserver } from "./proposal-watch.ts";
import { raftPresets } from "./raft-presets.ts";
import type { Raft, ReadMode } from "./raft.ts";
import type { ChangeMode } from "./reconfiguration.ts";
import { restoreNewest } from "./snapshot-keeper.ts";
import type { StateMachine } from "./state-machine.ts";

export interface NodeOptions {
  readonly runtime: Runtime;
  readonly id: NodeId;
  readonly clusterId: bigint;
  /**
   * The members a new cluster starts with, or `emptyConfiguration` to join one that exists: then the node takes no part
   * until the leader, asked to add it, sends it the log. A directory that holds state already has its own.
   */
  readonly configuration: Configuration;
  readonly directory: string;
  readonly transport: PeerTransport;
  /** `witnessState` makes the node a witness. */
  readonly stateMachine: StateMachine;
  /** Default 100. See `raftPresets` for times that belong together. */
  readonly heartbeatMs?: number;
  /** Default 500; an election starts after one to two times this. */
  readonly electionTimeoutMs?: number;
  /** How linearizable reads are confirmed: by asking a majority, or by a lease. Default `quorum`. */
  readonly reads?: ReadMode;
  /** Leases: how much the rates of two members' clocks may differ, 0..0.9. Default 0.1. */
  readonly clockDriftRatio?: number;
  /** A leader whose disk is at one write for longer hands leadership over. Default ten election timeouts. */
  readonly diskHangMs?: number;
  /** A snapshot is taken after this many entries, or 64 MiB of commands. Default 100 000. */
  readonly snapshotEntries?: number;
  /** Entries kept behind a snapshot, 16 MiB at most, so that a follower a little behind needs none. Default 5 000. */
  readonly trailingEntries?: number;
  readonly segmentBytes?: number;
  /** Bytes of commands in one append to a follower. Default 256 KiB. */
  readonly maxAppendBytes?: number;
  /** Called with every command entry applied here and what the state machine said to it, in order. */
  readonly onApplied?: (entry: Entry, result: unknown) => void;
  /**
   * Called with the configuration the node starts with and with each one that counts from then on, at once when it is in
   * the log and again when it is committed; also with an older one when a newer one is taken back.
   */
  readonly onConfiguration?: (configuration: Configuration, index: number, committed: boolean) => void;
  readonly onFact?: (fact: Fact) => void;
  /** Follows commands on their way. Without it nobody looks. */
  readonly proposals?: ProposalObserver;
  readonly plant?: PlantedBug;
}

/** One running Raft node: performs what the core asks for, in the documented order. */
export interface RaftNode {
  /** The core's state, to read only. */
  readonly raft: Raft;
  /** The last index applied to the state machine. */
  readonly applied: number;
  readonly logBytes: number;
  /** How often one of the options' listeners, or who waited for a read, threw: that changes nothing here. */
  readonly listenerFailures: number;
  /** Which of the others it hears, as far as Raft itself tells. */
  contacts(): readonly PeerContact[];
  /**
   * Hands a command to the leader, here or elsewhere. Nothing is promised: it shows in `onApplied` if it was committed,
   * and whoever wants certainty proposes it again, under an identity by which the state machine knows it.
   */
  propose(command: Uint8Array): void;
  /**
   * Calls back, once, when the state machine may answer a linearizable read asked for now; never when it cannot. Returns
   * what takes the question back: until then it is asked again and again.
   */
  read(ready: () => void): () => void;
  /**
   * Hands leadership to another voter, without one to whoever is furthest; resolves when that one leads. Until then,
   * an election timeout at most, this node takes no commands.
   *
   * @throws ConsensusError NOT_LEADER, NO_SUCH_VOTER, MEMBER_UNREACHABLE, TRANSFER_UNDER_WAY at once; TRANSFER_ABORTED
   * when this node goes on leading; LEADERSHIP_LOST when a third one leads, or nobody known; STOPPED
   */
  transferLeadership(to?: NodeId): Promise<void>;
  /**
   * Tells a follower that its leader is gone for certain: it helps to elect another without waiting an election timeout.
   * With lease reads it does nothing, as the follower may have promised to wait.
   */
  forgetLeader(): void;
  /**
   * Changes the members; for the leader only. Resolves with the new configuration when it is committed and, where the
   * change is joint, the old voters are out of it. Changes of learners and addresses may go with those of voters. By
   * `mode` (default `auto`): `simple` takes one voter's change at most, `joint` any, `auto` is simple where that will do;
   * `explicit` resolves in the joint configuration, which another call, with no changes, then leaves.
   *
   * @throws InvalidArgumentError for a change that can never be; ConsensusError CHANGE_UNCERTAIN when leadership was lost
   * or the node stopped before the change was committed; else the reason why nothing has changed
   */
  changeConfiguration(changes: readonly ConfigurationChange[], mode?: ChangeMode): Promise<Configuration>;
  /** Resolves with the reason when the node has stopped by itself. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export const defaultNodeOptions: {
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
} = { ...raftPresets.standard, snapshotEntries: 100_000, trailingEntries: 5_000 };

/**
 * Opens the durable log, restores the state machine, and takes part in the cluster.
 *
 * @throws InvalidArgumentError for an impossible configuration; ForeignDirectoryError, LogCorruptError, or the platform's error when the directory or the port cannot be used
 */
export async function createNode(options: NodeOptions): Promise<RaftNode> {
  const { runtime, directory, clusterId, id, configuration, stateMachine, segmentBytes } = options;
  const broken = brokenRule(configuration);
  if (broken !== undefined) throw new InvalidArgumentError("node.configuration", broken, configuration);
  const { log, recovered } = await openDurableLog({
    disk: runtime.disk,
    directory,
    identity: { clusterId, nodeId: id },
    bootstrap: configuration,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
  try {
    if (recovered.snapshot.index > 0) await restoreNewest(log, stateMachine);
    const node = new NodeDriver({ ...defaultNodeOptions, ...options }, log, recovered);
    await node.start();
    return node;
  } catch (error) {
    await log.close();
    throw error;
  }
}
