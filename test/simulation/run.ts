import type { PlantedBug } from "holdfast/consensus";
import {
  checkLinearizable,
  drawSchedule,
  historyRecorder,
  injectFaults,
  keyValue,
  type falsePeerMessage,
  type FaultDescription,
  type FaultSchedule,
  type HistoryRecorder,
} from "holdfast/proof";
import { seededRandom, simulate, simulationReport, type SimulationReport, type World } from "holdfast/runtime";
import { clusterTargets } from "./cluster-targets.ts";
import { Invariants, InvariantViolation } from "./invariants.ts";
import { drawParameters, modelsOf, type Parameters } from "./parameters.ts";
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
  readonly schedule: FaultSchedule;
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
export async function runSimulation({ seed, plant, keep }: RunOptions): Promise<RunResult> {
  const random = seededRandom(seed);
  const parameters = drawParameters(random.fork("parameters"));
  const names = Array.from({ length: parameters.members }, (_, at) => `n${at}`);
  const description = { seed, lengthMs: parameters.busyMs, faults: modelsOf(parameters) };
  const schedule = drawSchedule(random.fork("schedule"), description, names);
  const happening = { ...schedule, faults: schedule.faults.filter((_, at) => keep?.includes(at) !== false) };
  return { ...(await runCluster({ seed, parameters, schedule: happening, plant })), schedule };
}

export interface ClusterRunOptions {
  readonly seed: number;
  readonly parameters: Parameters;
  readonly schedule: FaultDescription;
  readonly plant?: PlantedBug | undefined;
  /** What a Byzantine member sends instead; lies of all kinds when absent. */
  readonly falsify?: typeof falsePeerMessage;
  /** For a test that wants to see more of the run, before anything begins. */
  readonly watch?: (world: World, cluster: SimulatedCluster, recorder: HistoryRecorder) => void;
}

/** Runs one cluster under these faults. */
export async function runCluster(options: ClusterRunOptions): Promise<Omit<RunResult, "schedule">> {
  const { seed, parameters, schedule, plant, falsify, watch } = options;
  const { network, disk, clock } = parameters;
  let recorder: HistoryRecorder | undefined;
  const resultOf = (report: Partial<SimulationReport>, violation?: Violation): Omit<RunResult, "schedule"> => ({
    seed,
    parameters,
    violation,
    faults: report.faults ?? {},
    operations: (recorder?.events.length ?? 0) / 2,
    virtualMs: report.virtualMs ?? 0,
    steps: report.steps ?? 0,
    traceHash: report.traceHash ?? "",
  });
  try {
    const report = await simulate(
      { seed, network, disk, clock, maxVirtualMs: 600_000, maxSteps: 1_500_000 },
      async (world) => {
        recorder = historyRecorder(world.clock);
        const cluster = new SimulatedCluster(world, parameters, plant, falsify);
        const invariants = new Invariants();
        world.onStep(() => invariants.check(cluster.observed()));
        watch?.(world, cluster, recorder);
        await liveThrough(world, cluster, recorder, parameters, schedule);
      },
    );
    return resultOf(report);
  } catch (error) {
    const violation =
      error instanceof InvariantViolation
        ? { invariant: error.invariant, detail: error.message }
        : { invariant: "nothing throws", detail: (error as Error).stack ?? String(error) };
    return resultOf(simulationReport(error) ?? {}, violation);
  }
}

async function liveThrough(
  world: World,
  cluster: SimulatedCluster,
  recorder: HistoryRecorder,
  parameters: Parameters,
  schedule: FaultDescription,
): Promise<void> {
  const { clock, random } = world;
  for (const slot of cluster.slots) cluster.start(slot);
  const clients = Array.from(
    { length: parameters.clients },
    (_, at) => new Client(at, cluster, recorder, clock, random.fork(`client ${at}`), parameters),
  );
  await Promise.all([
    ...clients.map((client) => client.work(parameters.busyMs)),
    injectFaults(world, clusterTargets(world, cluster), schedule).finished,
  ]);
  cluster.faulty = false;
  await converge(world, cluster);
  const [reader] = clients;
  for (let at = 0; at < parameters.keys; at++) await reader!.get(`key${at}`);
  for (const client of clients) for (const key of client.createdKeys) await reader!.get(key);
  const checked = checkLinearizable(keyValue(), recorder.events);
  if (checked.verdict !== "ok") throw new InvariantViolation("linearizability", checked.explanation);
}

/** Waits until one member leads and all have applied the same; its state is compared after every step anyway. */
async function converge(world: World, cluster: SimulatedCluster): Promise<void> {
  const limit = world.clock.now() + convergeMs;
  for (;;) {
    await world.clock.sleep(100);
    const { leader, running } = cluster;
    const slots = cluster.slots.filter(({ isLost }) => !isLost);
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
