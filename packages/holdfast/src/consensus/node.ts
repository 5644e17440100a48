import type { Runtime } from "../runtime/index.ts";
import type { Fact } from "./effects.ts";
import type { Configuration, Entry, NodeId } from "./entry.ts";
import { openDurableLog } from "./log/open-durable-log.ts";
import { NodeDriver } from "./node-driver.ts";
import type { PeerTransport } from "./peer-message.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { Raft } from "./raft.ts";
import { restoreNewest } from "./snapshot-keeper.ts";
import type { StateMachine } from "./state-machine.ts";

export interface NodeOptions {
  readonly runtime: Runtime;
  readonly id: NodeId;
  readonly clusterId: bigint;
  /** The members a new cluster starts with; a directory that holds state already has its own. */
  readonly configuration: Configuration;
  readonly directory: string;
  readonly transport: PeerTransport;
  readonly stateMachine: StateMachine;
  /** Default 100. */
  readonly heartbeatMs?: number;
  /** Default 500; an election starts after one to two times this. */
  readonly electionTimeoutMs?: number;
  /** A snapshot is taken after this many entries, or 64 MiB of commands. Default 10 000. */
  readonly snapshotEntries?: number;
  /** Entries kept behind a snapshot, 16 MiB at most, so that a follower a little behind needs none. Default 1 000. */
  readonly trailingEntries?: number;
  readonly segmentBytes?: number;
  /** Bytes of commands in one append to a follower. Default 256 KiB. */
  readonly maxAppendBytes?: number;
  /** Called with every command entry applied here and what the state machine said to it, in order. */
  readonly onApplied?: (entry: Entry, result: unknown) => void;
  readonly onFact?: (fact: Fact) => void;
  readonly plant?: PlantedBug;
}

/** One running Raft node: performs what the core asks for, in the documented order. */
export interface RaftNode {
  /** The core's state, to read only. */
  readonly raft: Raft;
  /** The last index applied to the state machine. */
  readonly applied: number;
  readonly logBytes: number;
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
  /** Resolves with the reason when the node has stopped by itself. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export const defaultNodeOptions: {
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
} = { heartbeatMs: 100, electionTimeoutMs: 500, snapshotEntries: 10_000, trailingEntries: 1_000 };

/**
 * Opens the durable log, restores the state machine, and takes part in the cluster.
 *
 * @throws ForeignDirectoryError, LogCorruptError, or the platform's error when the directory or the port cannot be used
 */
export async function createNode(options: NodeOptions): Promise<RaftNode> {
  const { runtime, directory, clusterId, id, configuration, stateMachine, segmentBytes } = options;
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
