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
  "slowLeader",
  "failSync",
  "fullDisk",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/**
 * Parameters that together reach what wide ranges rarely do: elections upset again and again, votes forgotten between
 * two candidates, leaders deposed without knowing while many read.
 */
const focuses: readonly Partial<Parameters>[] = [
  { faultKinds: ["crashNewLeader"], maxAppendBytes: 1, members: 3 },
  { faultKinds: ["crashNewLeader", "isolateLeader"], maxAppendBytes: 1, members: 5 },
  {
    faultKinds: ["crashVoter", "crashNewLeader", "bridge"],
    members: 3,
    peers: { duplicate: 0.3, late: 0.3, lateMs: 100 },
  },
  {
    faultKinds: ["isolateLeader", "slowLeader"],
    clients: 6,
    keys: 1,
    thinkMs: 5,
  },
  { faultKinds: ["crashLeader", "oneWay", "pause"] },
];

/** Draws a run's parameters; each from wide ranges, so that every seed is a cluster of its own. */
export function drawParameters(random: Random): Parameters {
  const pick = <T>(values: readonly T[]): T => values[random.integer(0, values.length - 1)]!;
  const heartbeatMs = pick([20, 50, 100]);
  const drawn: Parameters = {
    members: pick([1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7]),
    clients: random.integer(1, 6),
    keys: random.integer(1, 4),
    thinkMs: pick([5, 20, 60, 150]),
    busyMs: pick([4_000, 8_000, 12_000]),
    heartbeatMs,
    electionTimeoutMs: heartbeatMs * pick([3, 5, 10]),
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
    faultEveryMs: pick([200, 500, 1_000, 2_000]),
    faultKinds: faultKinds.filter(() => random.next() < 0.4),
  };
  if (random.next() < 0.6) return drawn;
  // Where elections are the point, there should be many.
  const elections = {
    heartbeatMs: 20,
    electionTimeoutMs: pick([60, 100]),
    busyMs: 12_000,
    faultEveryMs: pick([50, 200]),
  };
  return { ...drawn, ...elections, ...pick(focuses) };
}
