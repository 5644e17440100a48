import type { NodeId, SnapshotMeta } from "./entry.ts";
import type { Message } from "./message.ts";

/** A piece of a snapshot's bytes; the last one completes it at the receiver. */
export interface SnapshotChunk {
  readonly type: "snapshotChunk";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
  readonly snapshot: SnapshotMeta;
  readonly offset: number;
  /** Bytes of the whole snapshot. */
  readonly size: number;
  readonly data: Uint8Array;
}

/** Where the receiver wants the next chunk to begin; the snapshot's size once it has everything. */
export interface SnapshotChunkResult {
  readonly type: "snapshotChunkResult";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
  readonly snapshotIndex: number;
  readonly offset: number;
}

/** What one node says to another: the core's messages, and the bytes of snapshots beside them. */
export type PeerMessage = Message | SnapshotChunk | SnapshotChunkResult;

export interface PeerHandler {
  onMessage(message: PeerMessage): void;
  /** What was sent to this peer lately may be lost. */
  onUnreachable(peer: NodeId): void;
  /**
   * The peer was heard, though it said nothing that concerns Raft. `beats`: whether it will be, once a heartbeat, as long
   * as it says nothing else; undefined where that is not told.
   */
  onHeard?(peer: NodeId, beats?: boolean): void;
}

/** Carries messages between nodes: bounded, in order while a connection lasts, lossy when it does not. */
export interface PeerTransport {
  start(handler: PeerHandler): Promise<void>;
  /** Never waits: a message that cannot be queued is dropped. */
  send(message: PeerMessage): void;
  /**
   * Who takes part now, and where each is reached; an empty text where only the transport may know. Whoever is missing
   * is let go of after a while, and those known to be removed for good are turned away from then on.
   */
  setPeers(peers: ReadonlyMap<NodeId, string>, removed: ReadonlySet<NodeId>): void;
  close(): Promise<void>;
}
