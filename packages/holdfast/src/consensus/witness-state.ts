import type { SnapshotReader } from "./log/durable-log.ts";
import type { StateMachine } from "./state-machine.ts";

/**
 * The state machine of a witness: a node created with it keeps a log without commands, votes, and never leads. Add it
 * to the cluster with `addWitness`. It answers no reads: there is nothing to read.
 */
export const witnessState: StateMachine = {
  apply: () => undefined,
  snapshot: () => ({ next: () => undefined, release: () => undefined }),
  restore: () => undefined,
};

/** A snapshot as a witness gets it: its position and configuration. */
export function withoutState(reader: SnapshotReader): SnapshotReader {
  return { meta: reader.meta, size: 0, read: async () => new Uint8Array(0), close: () => reader.close() };
}
