import { createMember, type Coordination, type Member } from "holdfast/coordination";
import {
  simulate,
  simulationReport,
  type Clock,
  type Runtime,
  type SimulationReport,
  type World,
} from "holdfast/runtime";
import { LockFaults } from "./lock-faults.ts";
import { LockLedger } from "./lock-ledger.ts";
import { hosts, leasePace, type LockScene } from "./lock-scene.ts";
import type { LockTally } from "./lock-tally.ts";
import { LockWorker } from "./lock-worker.ts";

/** Mistakes that the run has to find: a session whose clock misses pauses, and watches that tell nothing. */
export const lockBugs = ["clock-misses-pauses", "lost-wake-up"] as const;
export type LockBug = (typeof lockBugs)[number];

export interface LockRunOptions {
  readonly seed: number;
  /** How long to let processes work under faults, in virtual time, the times of peace included. */
  readonly virtualMs: number;
  /** Everything is so many times slower, which makes long times cheap to simulate. Default 1. */
  readonly pace?: number;
  readonly plant?: LockBug | undefined;
}

export interface LockRunResult extends SimulationReport {
  readonly tally: LockTally;
  /** Undefined when all went well. */
  readonly violation: string | undefined;
}

const names = ["red", "green", "blue"];
const workersPerHost = 3;

const episodeMs = 300_000;
/** A cluster that is whole again has a leader, and has ended what nobody keeps alive, by then. */
const settledMs = (pace: number): number => 40_000 * leasePace(pace);
/** How long a lock may stay with one holder, or with nobody, while somebody waits for it in calm times. */
const longestHoldMs = (pace: number): number => 36_000 * leasePace(pace) + 5_000 * pace;
const keptRevisions = 500;

/**
 * A cluster of three, a member in each of three processes, with workers that take locks, use what they guard and let
 * go, or do not, while processes are killed, paused and cut off; from time to time it is left in peace, and then whoever
 * waits must get its turn.
 */
export async function runLocks(options: LockRunOptions): Promise<LockRunResult> {
  const tally: LockTally = {
    grants: 0,
    waits: 0,
    timeouts: 0,
    lost: 0,
    fencedOut: 0,
    admitted: 0,
    stale: 0,
    sessions: 0,
    lostSessions: 0,
  };
  try {
    const report = await simulate(
      {
        seed: options.seed,
        clock: { maxSkewMs: 60_000, maxDriftPpm: 500 },
        maxVirtualMs: 2 * options.virtualMs + 3_600_000 * (options.pace ?? 1),
        maxSteps: 1e12,
      },
      (world) => live(world, options, tally),
    );
    return { ...report, tally, violation: undefined };
  } catch (error) {
    const report = simulationReport(error);
    if (report === undefined) throw error;
    return { ...report, tally, violation: (error as Error).message };
  }
}

async function live(world: World, options: LockRunOptions, tally: LockTally): Promise<void> {
  const ledger = new LockLedger(world, tally);
  const { pace = 1 } = options;
  const scene: LockScene = { world, ledger, names, tally, pace, ending: false, failure: undefined };
  world.onStep(() => {
    if (scene.failure !== undefined) throw scene.failure;
  });
  const faults = new LockFaults(world, pace, (host) => start(scene, host, options));
  for (const host of hosts) start(scene, host, options);
  const endMs = world.clock.now() + options.virtualMs;
  while (world.clock.now() < endMs) {
    await faults.rage(Math.min(episodeMs * pace, endMs - world.clock.now()));
    faults.stop();
    await world.clock.sleep(settledMs(pace));
    await calm(scene);
  }
  scene.ending = true;
  await world.clock.sleep(settledMs(pace));
  for (let leftMs = 600_000 * pace; scene.ledger.waiting > 0; leftMs -= 1_000) {
    if (leftMs <= 0)
      throw new Error(`lost wake-up: ${scene.ledger.waiting} wait at the end: ${scene.ledger.describe()}`);
    await world.clock.sleep(1_000);
  }
}

/** Somebody moves on wherever somebody waits. */
async function calm({ world, ledger, pace }: LockScene): Promise<void> {
  const untilMs = world.clock.now() + 2 * longestHoldMs(pace);
  const since = world.clock.now();
  while (world.clock.now() < untilMs) {
    await world.clock.sleep(1_000);
    for (const name of names) {
      const stuckMs = ledger.stuckMs(name, since);
      if (stuckMs > longestHoldMs(pace)) {
        throw new Error(`lost wake-up: nobody got ${name} for ${Math.round(stuckMs)} ms: ${ledger.describe()}`);
      }
    }
  }
}

function start(scene: LockScene, host: string, options: LockRunOptions): void {
  const { world, ledger } = scene;
  ledger.forget(host);
  world.process(host).start(async (runtime) => {
    const member = await createMember({
      runtime,
      name: host,
      directory: "/data",
      peer: { host, port: 2380 },
      cluster: { name: "locks", members: hosts.map((name) => ({ name, peer: { host: name, port: 2380 } })) },
      clientUrls: [],
      httpUrls: [],
      ...(scene.pace > 1 && { heartbeatMs: 500, electionTimeoutMs: 2_500, leases: { tickMs: 2_000 } }),
      snapshotEntries: 2_000,
      trailingEntries: 200,
    });
    void compact(member, runtime);
    const coordination = options.plant === "lost-wake-up" ? deafTo(member) : member;
    const clock = options.plant === "clock-misses-pauses" ? pausing(runtime) : runtime.clock;
    for (let at = 0; at < workersPerHost; at++) {
      const worker = new LockWorker(scene, { host, coordination, runtime, clock });
      worker.work().catch((error: unknown) => (scene.failure = error as Error));
    }
  });
}

/** Keeps the history short, so that watches are behind it from time to time. */
async function compact(member: Member, { clock }: Runtime): Promise<void> {
  for (;;) {
    await clock.sleep(60_000);
    const revision = member.status().revision - keptRevisions;
    if (revision > 0) await member.compact({ revision }).catch(() => undefined);
  }
}

/** Its watches begin, and then nothing is heard of them. */
function deafTo(member: Member): Coordination {
  const deaf = Object.create(member) as Member;
  return Object.assign(deaf, {
    range: member.range.bind(member),
    txn: member.txn.bind(member),
    deleteRange: member.deleteRange.bind(member),
    leaseGrant: member.leaseGrant.bind(member),
    leaseKeepAlive: member.leaseKeepAlive.bind(member),
    leaseRevoke: member.leaseRevoke.bind(member),
    watch: (...[, options]: Parameters<Member["watch"]>) =>
      member.watch({ key: new TextEncoder().encode("nothing/") }, options),
  });
}

/** A clock that counts no more than 100 ms between two looks, as one that stands still with its process does. */
function pausing({ clock }: Runtime): Clock {
  let [shown, last] = [0, clock.now()];
  const now = (): number => {
    const real = clock.now();
    shown += Math.min(100, real - last);
    last = real;
    return shown;
  };
  void (async () => {
    for (;;) {
      await clock.sleep(50);
      now();
    }
  })();
  return {
    now,
    wallTime: () => clock.wallTime(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    defer: (callback) => clock.defer(callback),
    sleep: (delayMs, sleepOptions) => clock.sleep(delayMs, sleepOptions),
  };
}
