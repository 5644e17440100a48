import type { Configuration } from "./configuration.ts";

/** A member of the cluster: a positive safe integer, 0 standing for nobody. */
export type NodeId = number;

/**
 * What an entry holds: nothing (a leader's first), a command for the state machine, a configuration, or a command that
 * was left out because its holder is a witness.
 */
export type EntryKind = "noop" | "command" | "configuration" | "omitted";

/** One position of the replicated log. `index` counts from 1; both numbers are safe integers. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What must be durable before any reply that depends on it: one record (Raft, figure 2, "persistent state"). */
export interface HardState {
  readonly term: number;
  /** Whom this node voted for in `term`; 0 for nobody. */
  readonly vote: NodeId;
}

/** The position a snapshot stands for, and the configuration as of that position. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
}

export const noData: Uint8Array = new Uint8Array(0);
