import type { ReadMode } from "holdfast/consensus";
import type { FaultModel } from "holdfast/proof";
import type { Random } from "holdfast/runtime";
import { focuses, type FocusName } from "./focuses.ts";
import { operationKinds, type OperationKind } from "./operation.ts";

/** Everything a run is made of besides its faults' moments, all drawn from the seed. */
export interface Parameters {
  readonly members: number;
  /** So many of these members are witnesses. */
  readonly witnesses: number;
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
  /** How wrong the rates of clocks are: no promise may depend on them, but for leases of leaders. */
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
  readonly faultKinds: readonly FaultKind[];
  /** How leaders confirm reads; with leases, clocks keep to the ratio. */
  readonly reads: ReadMode;
  readonly clockDriftRatio: number;
  /** Machines that can become members. */
  readonly spares: number;
  /** What an operator does to the cluster, and the mean time between two such operations. */
  readonly operations: { readonly kinds: readonly OperationKind[]; readonly everyMs: number };
  /** Clients that watch all keys. */
  readonly watchers: number;
  /** Clients that hold a lock in turn, each on a lease. */
  readonly holders: number;
  /** The mean time between two compactions of the history; 0 for none. */
  readonly compactEveryMs: number;
}

export const faultKinds = [
  "crash",
  "kill",
  "crashLeader",
  "crashNewLeader",
  "crashVoter",
  "crashAll",
  "pause",
  "pauseLeader",
  "isolate",
  "isolateLeader",
  "partition",
  "oneWay",
  "muteLeader",
  "farLeader",
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

export type FaultKind = (typeof faultKinds)[number];

type WithoutMoment<Model> = Model extends unknown ? Omit<Model, "id" | "atMs" | "probability" | "perMs"> : never;

/** The faults that runs know; most of them for some election timeouts at the most. `slowestPpm` is how slow a clock may run. */
function faultModels(electionTimeoutMs: number, slowestPpm: number): Record<FaultKind, WithoutMoment<FaultModel>> {
  const durationMs = [electionTimeoutMs / 10, 12 * electionTimeoutMs] as const;
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
    // Others lead when it wakes up, and it may not know.
    pauseLeader: { type: "slow", targets: "leader", durationMs: [electionTimeoutMs, 3 * electionTimeoutMs] },
    isolate: { type: "partition", targets: "one", durationMs },
    isolateLeader: { type: "partition", targets: "leader", durationMs },
    partition: { type: "partition", targets: "some", durationMs },
    oneWay: { type: "partition", shape: "oneWay", targets: "some", durationMs },
    muteLeader: { type: "partition", shape: "oneWay", targets: "leader", durationMs },
    farLeader: {
      type: "delay",
      targets: "leader",
      delayMs: [electionTimeoutMs / 20, 0.8 * electionTimeoutMs],
      durationMs: [most, 4 * most],
    },
    bridge: { type: "partition", shape: "bridge", targets: "some", durationMs },
    clog: { type: "clog", targets: "one", durationMs },
    breakConnections: { type: "reset", targets: "one", durationMs: 0 },
    wallJump: { type: "clockSkew", targets: "one", byMs: [-1_000 * most, 1_000 * most], durationMs },
    slowLeader: { type: "clockDrift", targets: "leader", ppm: slowestPpm, durationMs: [least, 4 * most] },
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
  faultKinds: chosen,
  ...others
}: Parameters): FaultModel[] {
  const models = faultModels(electionTimeoutMs, slowestPpm(others));
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

/** A leader whose time goes by at less than half the speed of everyone's, unless leases have to rely on it. */
function slowestPpm({
  reads,
  clockDriftRatio,
  clock,
}: Pick<Parameters, "reads" | "clockDriftRatio" | "clock">): number {
  if (reads === "quorum") return -600_000;
  return Math.ceil(1e6 * ((1 - clockDriftRatio) * (1 + clock.maxDriftPpm / 1e6) - 1));
}

/**
 * Draws a run's parameters; each from wide ranges, so that every seed is a cluster of its own. Half of the seeds have a
 * focus, drawn too unless it is given.
 */
export function drawParameters(random: Random, focus?: FocusName): Parameters {
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
    faultKinds: faultKinds.filter(() => random.next() < 0.4),
    ...drawOperations(random.fork("operations")),
    ...drawWitnesses(random.fork("witnesses")),
    compactEveryMs: random.fork("compactions").next() < 0.4 ? 400 : 0,
  };
  const isFocused = random.next() >= 0.5;
  // Where elections are the point, there should be many.
  const elections = {
    heartbeatMs: 20,
    electionTimeoutMs: pick([60, 100]),
    busyMs: 12_000,
    faultEveryMs: pick([50, 200]),
  };
  if (focus === undefined && !isFocused) return consistent(drawn);
  const name = focus ?? pick(Object.keys(focuses) as FocusName[]);
  return consistent({ ...drawn, ...elections, ...focuses[name] });
}

function drawWitnesses(random: Random): Pick<Parameters, "witnesses"> {
  return { witnesses: random.next() < 0.25 ? random.integer(1, 2) : 0 };
}

type Operated = Pick<Parameters, "operations" | "spares" | "reads" | "clockDriftRatio" | "watchers" | "holders">;

function drawOperations(random: Random): Operated {
  const pick = <T>(values: readonly T[]): T => values[random.integer(0, values.length - 1)]!;
  const isOperated = random.next() < 0.5;
  const kinds = operationKinds.filter(() => random.next() < 0.4);
  return {
    spares: isOperated ? random.integer(1, 4) : 0,
    operations: {
      kinds: isOperated ? kinds : [],
      everyMs: pick([100, 400, 1_500]),
    },
    reads: pick(["quorum", "quorum", "lease"]),
    clockDriftRatio: pick([0.05, 0.1, 0.5]),
    watchers: pick([0, 0, 1, 3]),
    holders: pick([0, 0, 2, 3]),
  };
}

/** What belongs together: not more members than a cluster may have, and clocks that leases can rely on. */
function consistent(drawn: Parameters): Parameters {
  const members = drawn.spares === 0 ? drawn.members : Math.min(drawn.members, 5);
  // Fewer than half, so that one that holds the state can be lost.
  const witnesses = Math.min(drawn.witnesses, Math.floor((members - 1) / 2));
  const parameters = { ...drawn, members, witnesses, spares: Math.min(drawn.spares, 7 - members) };
  if (parameters.reads === "quorum") return parameters;
  const { clock, clockDriftRatio: ratio, faultKinds: chosen } = parameters;
  // The fastest and the slowest clock differ by no more than the ratio then.
  const mostPpm = Math.floor((1e6 * ratio) / (2 - ratio));
  return {
    ...parameters,
    clock: { ...clock, maxDriftPpm: Math.min(clock.maxDriftPpm, mostPpm) },
    faultKinds: chosen.filter((kind) => kind !== "stopClock"),
  };
}
