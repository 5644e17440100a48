import type { Random } from "holdfast/runtime";

/** Everything a run is made of besides its faults' moments, all drawn from the seed. */
export interface Parameters {
  readonly members: number;
  readonly clients: number;
  /** Keys that all clients write and read. */
  readonly keys: number;
  /** The mean pause of a client between two operations. */
  readonly thinkMs: number;
  /** How long clients work while faults happen. */
  readonly busyMs: number;
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
  readonly segmentBytes: number;
  /** Bytes of commands in one append: 1 sends entries one by one. */
  readonly maxAppendBytes: number;
  readonly network: {
    readonly latencyMs: number;
    readonly jitterMs: number;
    readonly loss: number;
  };
  /** How wrong the rates of clocks are: no promise may depend on them. */
  readonly clock: { readonly maxSkewMs: number; readonly maxDriftPpm: number };
  readonly disk: { readonly syncMs: number; readonly slowSync: number; readonly syncError: number };
  /** What happens to single messages between members. */
  readonly peers: { readonly duplicate: number; readonly late: number; readonly lateMs: number };
  /** How often a client never sees an answer that was given. */
  readonly lostAnswers: number;
  /** The mean time between two faults. */
  readonly faultEveryMs: number;
  /** Which faults this run knows: a few kinds at a time find more than all at once. */
  readonly faultKinds: readonly FaultKind[];
}

export const faultKinds = [
  "crash",
  "kill",
  "crashLeader",
  "crashNewLeader",
  "crashVoter",
  "crashAll",
  "pause",
  "isolate",
  "isolateLeader",
  "partition",
  "oneWay",
  "bridge",
  "clog",
  "breakConnections",
  "wallJump",
  "failSync",
  "fullDisk",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** Sets of faults that together reach what all of them at once rarely do: elections upset again and again. */
const focuses: readonly (readonly FaultKind[])[] = [
  ["crashNewLeader"],
  ["crashNewLeader", "isolateLeader"],
  ["crashVoter", "bridge"],
  ["isolateLeader"],
  ["crashLeader", "oneWay"],
];

/** Draws a run's parameters; each from wide ranges, so that every seed is a cluster of its own. */
export function drawParameters(random: Random): Parameters {
  const pick = <T>(values: readonly T[]): T => values[random.integer(0, values.length - 1)]!;
  const focus = random.next() < 0.4 ? pick(focuses) : undefined;
  // Where elections are the point, there should be many.
  const heartbeatMs = focus === undefined ? pick([20, 50, 100]) : 20;
  return {
    members: pick([1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7]),
    clients: random.integer(1, 6),
    keys: random.integer(1, 4),
    thinkMs: pick([5, 20, 60, 150]),
    busyMs: focus === undefined ? pick([4_000, 8_000, 12_000]) : 12_000,
    heartbeatMs,
    electionTimeoutMs: heartbeatMs * pick(focus === undefined ? [3, 5, 10] : [3, 5]),
    snapshotEntries: pick([20, 60, 200, 10_000]),
    trailingEntries: pick([0, 10, 100]),
    segmentBytes: pick([4, 16, 256]) * 1024,
    maxAppendBytes: pick([1, 1, 256, 256 * 1024]),
    network: {
      latencyMs: pick([0.2, 1, 5]),
      jitterMs: pick([0.2, 2, 10]),
      loss: pick([0, 0, 0.01, 0.1]),
    },
    clock: { maxSkewMs: pick([0, 60_000]), maxDriftPpm: pick([0, 200, 300_000]) },
    disk: {
      syncMs: pick([0.2, 1, 8]),
      slowSync: pick([0, 0, 0.01]),
      syncError: pick([0, 0, 0, 0.0005]),
    },
    peers: {
      duplicate: pick([0, 0, 0.02, 0.2]),
      late: pick([0, 0, 0.02, 0.2]),
      lateMs: pick([10, 100, 1_000]),
    },
    lostAnswers: pick([0, 0.02, 0.2]),
    faultEveryMs: focus === undefined ? pick([200, 500, 1_000, 2_000]) : pick([50, 200, 500]),
    faultKinds: focus ?? faultKinds.filter(() => random.next() < 0.4),
  };
}
