import type { PlantedBug } from "holdfast/consensus";
import { checkLinearizable, historyRecorder, keyValue, type HistoryRecorder } from "holdfast/proof";
import { seededRandom, simulate, simulationReport, type World } from "holdfast/runtime";
import { applyFaults } from "./apply-faults.ts";
import { drawSchedule, type FaultEvent } from "./fault-schedule.ts";
import { Invariants, InvariantViolation } from "./invariants.ts";
import { drawParameters, type Parameters } from "./parameters.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";
import { Client } from "./workload.ts";

export interface RunOptions {
  readonly seed: number;
  readonly plant?: PlantedBug | undefined;
  /** Which of the drawn faults happen, by their position; all when absent. */
  readonly keep?: readonly number[] | undefined;
}

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly parameters: Parameters;
  /** All that was drawn, also what was left out. */
  readonly schedule: readonly FaultEvent[];
  /** How often each kind of fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly operations: number;
  readonly virtualMs: number;
  readonly steps: number;
  readonly traceHash: string;
}

/** How long a healed cluster may take to agree. */
const convergeMs = 30_000;

/** Runs one cluster from one seed: faults and load, then healing, then the questions. */
export async function runSimulation(options: RunOptions): Promise<RunResult> {
  const { seed, plant, keep } = options;
  const random = seededRandom(seed);
  const parameters = drawParameters(random.fork("parameters"));
  const schedule = drawSchedule(random.fork("schedule"), parameters);
  const happening = schedule.filter((_, at) => keep === undefined || keep.includes(at));
  let recorder: HistoryRecorder | undefined;
  const counted = new Map<string, number>();
  const common = { seed, parameters, schedule };
  try {
    const { network, disk, clock } = parameters;
    const result = await simulate(
      { seed, network, disk, clock, maxVirtualMs: 600_000, maxSteps: 1_500_000 },
      async (world) => {
        recorder = historyRecorder(world.clock);
        const cluster = new SimulatedCluster(world, parameters, plant);
        const invariants = new Invariants();
        world.onStep(() => invariants.check(cluster.observed()));
        await liveThrough(world, cluster, recorder, parameters, happening);
        for (const [kind, count] of cluster.faults) counted.set(kind, count);
      },
    );
    return {
      ...common,
      violation: undefined,
      faults: { ...result.faults, ...Object.fromEntries(counted) },
      operations: (recorder?.events.length ?? 0) / 2,
      virtualMs: result.virtualMs,
      steps: result.steps,
      traceHash: result.traceHash,
    };
  } catch (error) {
    const violation =
      error instanceof InvariantViolation
        ? { invariant: error.invariant, detail: error.message }
        : { invariant: "nothing throws", detail: (error as Error).stack ?? String(error) };
    const report = simulationReport(error);
    return {
      ...common,
      violation,
      faults: { ...report?.faults, ...Object.fromEntries(counted) },
      operations: (recorder?.events.length ?? 0) / 2,
      virtualMs: report?.virtualMs ?? 0,
      steps: report?.steps ?? 0,
      traceHash: report?.traceHash ?? "",
    };
  }
}

async function liveThrough(
  world: World,
  cluster: SimulatedCluster,
  recorder: HistoryRecorder,
  parameters: Parameters,
  faults: readonly FaultEvent[],
): Promise<void> {
  const { clock, random } = world;
  for (const slot of cluster.slots) cluster.start(slot);
  const clients = Array.from(
    { length: parameters.clients },
    (_, at) => new Client(at, cluster, recorder, clock, random.fork(`client ${at}`), parameters),
  );
  await Promise.all([
    ...clients.map((client) => client.work(parameters.busyMs)),
    applyFaults(world, cluster, faults, parameters.busyMs),
  ]);
  heal(world, cluster);
  await converge(world, cluster);
  const [reader] = clients;
  for (let at = 0; at < parameters.keys; at++) await reader!.get(`key${at}`);
  for (const client of clients) for (const key of client.createdKeys) await reader!.get(key);
  const checked = checkLinearizable(keyValue(), recorder.events);
  if (checked.verdict !== "ok") throw new InvariantViolation("linearizability", checked.explanation);
}

function heal(world: World, cluster: SimulatedCluster): void {
  cluster.faulty = false;
  world.network.heal();
  world.network.setLinks({ loss: 0 });
  for (const slot of cluster.slots) {
    slot.process.disk.limitFree(undefined);
    slot.process.disk.setFaults({ syncError: 0, slowSync: 0 });
    if (slot.process.state === "paused") slot.process.resume();
    if (slot.process.state === "crashed") cluster.start(slot);
  }
}

/** Waits until one member leads and all have applied the same; its state is compared after every step anyway. */
async function converge(world: World, cluster: SimulatedCluster): Promise<void> {
  const limit = world.clock.now() + convergeMs;
  for (;;) {
    await world.clock.sleep(100);
    const { leader, running, slots } = cluster;
    const commit = leader?.member?.node.raft.commit;
    const agreed =
      leader !== undefined &&
      running.length === slots.length &&
      running.every(
        ({ member }) => member!.node.applied === commit && member!.node.raft.leader === leader.member!.node.raft.id,
      );
    if (agreed) return;
    if (world.clock.now() < limit) continue;
    const states = slots.map(({ name, member, process }) => {
      const raft = member?.node.raft;
      return `${name} ${process.state} ${raft === undefined ? "not running" : `${raft.role} term ${raft.term} commit ${raft.commit} applied ${member!.node.applied} last ${raft.log.lastIndex}`}`;
    });
    throw new InvariantViolation("convergence", `after ${convergeMs} ms without faults: ${states.join("; ")}`);
  }
}
