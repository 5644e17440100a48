import type { ConsensusErrorCode } from "./consensus-error.ts";
import type { Configuration } from "./configuration.ts";
import type { Entry, HardState, NodeId, SnapshotMeta } from "./entry.ts";
import type { Message } from "./message.ts";
import type { ConfigurationResult } from "./reconfiguration.ts";

/** Something the core noticed, for telemetry; the driver publishes it. */
export type Fact =
  | { readonly type: "roleChanged"; readonly role: Role; readonly term: number }
  | { readonly type: "leaderChanged"; readonly leader: NodeId; readonly term: number }
  | { readonly type: "quorumLost"; readonly term: number }
  | { readonly type: "logTruncated"; readonly from: number; readonly to: number }
  /** Another configuration counts from now on; told again once it is committed, and when it is taken back. */
  | {
      readonly type: "configurationChanged";
      readonly index: number;
      readonly configuration: Configuration;
      readonly committed: boolean;
    }
  | { readonly type: "transferStarted"; readonly to: NodeId; readonly term: number }
  /** The other did not take over in an election timeout; this node goes on leading. */
  | { readonly type: "transferAborted"; readonly to: NodeId; readonly term: number }
  /** The disk has been at one write for `waitMs`. */
  | { readonly type: "diskStalled"; readonly waitMs: number }
  | { readonly type: "diskRecovered" };

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** How far the durable log must get; given back to the core by the `synced` input once it has. */
export interface AppendMark {
  readonly index: number;
  /** Changes whenever entries are replaced, so that an old sync never vouches for new entries. */
  readonly epoch: number;
}

/**
 * What one step asks of the driver. The order is part of it:
 *
 * 1. `messages` may leave at once.
 * 2. `hardState`, `reset` and `entries` go to the durable log, in the order of the steps that asked for them. A
 *    `restore` first makes the snapshot that arrived durable and replaces the state machine's state by it.
 * 3. `messagesAfterSync` leave, and `mark` is given back, only when everything handed to the log up to and including
 *    this step is durable. A message to the node itself is given back as an input.
 * 4. Entries up to the core's commit index may be applied at any time, in order; reads are served once their index is.
 */
export interface Effects {
  messages: Message[];
  hardState: HardState | undefined;
  restore: SnapshotMeta | undefined;
  reset: { readonly index: number; readonly term: number } | undefined;
  entries: Entry[];
  mark: AppendMark | undefined;
  messagesAfterSync: Message[];
  /** Followers that need a snapshot before they can go on. */
  snapshotsTo: NodeId[];
  /** Reads that are linearizable once `index` is applied. */
  reads: { readonly id: number; readonly index: number }[];
  /** Reads that cannot be answered now: no leader, or it was lost meanwhile. */
  droppedReads: number[];
  /** Commands nobody took: no leader, or too much is uncommitted. Certain not to be applied on behalf of this step. */
  dropped: Uint8Array[];
  /** Why this step's request to hand leadership over was refused. */
  transferRefused: ConsensusErrorCode | undefined;
  /** What became of changes of the configuration that were asked for here. */
  configurationResults: ConfigurationResult[];
  facts: Fact[];
}

export function noEffects(): Effects {
  return {
    messages: [],
    hardState: undefined,
    restore: undefined,
    reset: undefined,
    entries: [],
    mark: undefined,
    messagesAfterSync: [],
    snapshotsTo: [],
    reads: [],
    droppedReads: [],
    dropped: [],
    transferRefused: undefined,
    configurationResults: [],
    facts: [],
  };
}
