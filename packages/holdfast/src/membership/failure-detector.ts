/** What a detector thinks of a node, in the order in which trust is lost. */
export type DetectorState = "healthy" | "suspect" | "failed";

/** A node's state changed between two checks. */
export interface DetectorChange {
  readonly name: string;
  readonly from: DetectorState;
  readonly to: DetectorState;
  /** When it was last heard, or first watched if it never was. */
  readonly heardAt: number;
}

/**
 * Says which nodes are there. Detectors have no clock, no timer and no listener: whoever owns one calls `check` now and
 * then, with monotonic milliseconds, and acts on the changes it returns. There is nothing to stop.
 */
export interface FailureDetector {
  /** What is thought of a node now; undefined when it is not watched. */
  state(name: string, now: number): DetectorState | undefined;
  /** Names in this state now, in the order of watching. */
  inState(state: DetectorState, now: number): string[];
  /** What has changed since the last check. */
  check(now: number): DetectorChange[];
}

/** A detector that judges by heartbeats. */
export interface HeartbeatDetector extends FailureDetector {
  /** Expects heartbeats from now on; a node never heard of is suspected and fails like any other. */
  watch(name: string, now: number): void;
  /** Expects no more; heartbeats on their way change nothing. */
  unwatch(name: string): void;
  /**
   * A node was heard. False when that was of no account: it is not watched, or `sequence` is not above the last one, as
   * with a heartbeat that was overtaken, or is of an earlier run of the node.
   */
  heartbeat(name: string, now: number, sequence?: number): boolean;
  /** How often a node has failed since it is watched or since `resetFailures`. */
  failures(name: string): number;
  resetFailures(name: string): void;
}
