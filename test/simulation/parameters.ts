import type { FaultModel } from "holdfast/proof";
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
  };
  /** How wrong the rates of clocks are: no promise may depend on them. */
  readonly clock: { readonly maxSkewMs: number; readonly maxDriftPpm: number };
  readonly disk: { readonly syncMs: number };
  /** What goes wrong all the time: shares of what is sent, of messages between members, and of syncs. */
  readonly always: {
    readonly loss: number;
    readonly duplicate: number;
    readonly late: number;
    readonly lateMs: number;
    readonly slowSync: number;
    readonly syncError: number;
  };
  /** How often a client never sees an answer that was given. */
  readonly lostAnswers: number;
  /** The mean time between two faults. */
  readonly faultEveryMs: number;
  /** Which faults this run knows: a few kinds at a time find more than all at once. */
  readonly faultNames: readonly FaultName[];
}

export const faultNames = [
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
  "stopClock",
  "stutter",
  "silence",
  "delayMessages",
  "failSync",
  "fullDisk",
] as const;

export type FaultName = (typeof faultNames)[number];

type WithoutMoment<Model> = Model extends unknown ? Omit<Model, "id" | "atMs" | "probability" | "perMs"> : never;

/** The faults that runs know; `durationMs` is how long most of them last. */
function faultModels(durationMs: readonly [number, number]): Record<FaultName, WithoutMoment<FaultModel>> {
  const [least, most] = durationMs;
  const waitMs = [10 * least, 5 * most] as const;
  return {
    crash: { type: "crash", targets: "one", durationMs },
    kill: { type: "crash", how: "kill", targets: "one", durationMs },
    crashLeader: { type: "crash", targets: "leader", durationMs },
    crashNewLeader: { type: "crash", targets: "next-leader", waitMs, durationMs },
    crashVoter: { type: "crash", how: "kill", targets: "next-voter", waitMs, durationMs: [0, 8] },
    crashAll: { type: "crash", targets: "all", durationMs },
    pause: { type: "slow", targets: "one", durationMs },
    isolate: { type: "partition", targets: "one", durationMs },
    isolateLeader: { type: "partition", targets: "leader", durationMs },
    partition: { type: "partition", targets: "some", durationMs },
    oneWay: { type: "partition", shape: "oneWay", targets: "some", durationMs },
    bridge: { type: "partition", shape: "bridge", targets: "some", durationMs },
    clog: { type: "clog", targets: "one", durationMs },
    breakConnections: { type: "reset", targets: "one", durationMs: 0 },
    wallJump: { type: "clockSkew", targets: "one", byMs: [-1_000 * most, 1_000 * most], durationMs },
    // Its time goes by at less than half the speed of everyone's.
    slowLeader: { type: "clockDrift", targets: "leader", ppm: -600_000, durationMs: [least, 4 * most] },
    stopClock: { type: "clockStop", targets: "one", durationMs },
    stutter: { type: "slow", targets: "one", share: [0.2, 0.9], everyMs: [10, most / 4], durationMs },
    silence: { type: "byzantine", behaviour: "silent", targets: "one", share: [0.1, 1], durationMs },
    delayMessages: { type: "byzantine", behaviour: "delayed", targets: "one", delayMs: [1, most / 4], durationMs },
    failSync: { type: "failingSync", targets: "one", durationMs: [1, 50] },
    fullDisk: { type: "fullDisk", targets: "one", durationMs },
  };
}

/** What may happen in a run with these parameters. */
export function modelsOf({
  always,
  busyMs,
  electionTimeoutMs,
  faultEveryMs,
  faultNames: chosen,
}: Parameters): FaultModel[] {
  const models = faultModels([electionTimeoutMs / 10, 12 * electionTimeoutMs]);
  const { loss, duplicate, late, lateMs, slowSync, syncError } = always;
  const throughout = { targets: "all", atMs: 0, durationMs: busyMs } as const;
  const constant: FaultModel[] = [
    { type: "loss", share: loss, ...throughout },
    { type: "duplication", share: duplicate, withinMs: lateMs, ...throughout },
    { type: "reordering", share: late, withinMs: lateMs, ...throughout },
    { type: "slowDisk", share: slowSync, extraMs: 1_000, ...throughout },
    { type: "failingSync", share: syncError, ...throughout },
  ];
  return [
    ...constant.filter((model) => "share" in model && model.share !== 0),
    ...chosen.map((name) => ({ id: name, ...models[name], probability: 1 / chosen.length, perMs: faultEveryMs })),
  ];
}

/**
 * Parameters that together reach what wide ranges rarely do: elections upset again and again, votes forgotten between
 * two candidates, leaders deposed without knowing while many read.
 */
const focuses: readonly Partial<Parameters>[] = [
  { faultNames: ["crashNewLeader"], faultEveryMs: 50, maxAppendBytes: 1, members: 3 },
  { faultNames: ["crashNewLeader", "isolateLeader"], faultEveryMs: 50, maxAppendBytes: 1, members: 5 },
  {
    faultNames: ["crashVoter", "crashNewLeader", "bridge"],
    members: 3,
    always: { loss: 0, duplicate: 0.3, late: 0.3, lateMs: 100, slowSync: 0, syncError: 0 },
  },
  {
    faultNames: ["isolateLeader", "slowLeader"],
    faultEveryMs: 200,
    // Of one member alone, with nothing to stop it, clients would see more than can be checked.
    members: 3,
    clients: 6,
    keys: 1,
    thinkMs: 5,
  },
  { faultNames: ["crashLeader", "oneWay", "pause"] },
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
    },
    clock: { maxSkewMs: pick([0, 60_000]), maxDriftPpm: pick([0, 200, 300_000]) },
    disk: { syncMs: pick([0.2, 1, 8]) },
    always: {
      loss: pick([0, 0, 0.01, 0.1]),
      duplicate: pick([0, 0, 0.02, 0.2]),
      late: pick([0, 0, 0.02, 0.2]),
      lateMs: pick([10, 100, 1_000]),
      slowSync: pick([0, 0, 0.01]),
      syncError: pick([0, 0, 0, 0.0005]),
    },
    lostAnswers: pick([0, 0.02, 0.2]),
    faultEveryMs: pick([200, 500, 1_000, 2_000]),
    faultNames: faultNames.filter(() => random.next() < 0.4),
  };
  if (random.next() < 0.5) return drawn;
  // Where elections are the point, there should be many.
  const elections = {
    heartbeatMs: 20,
    electionTimeoutMs: pick([60, 100]),
    busyMs: 12_000,
    faultEveryMs: pick([50, 200]),
  };
  return { ...drawn, ...elections, ...pick(focuses) };
}
