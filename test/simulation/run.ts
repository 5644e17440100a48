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
  type FaultTargets,
  type HistoryRecorder,
} from "holdfast/proof";
import { seededRandom, simulate, simulationReport, type SimulationReport, type World } from "holdfast/runtime";
import { clusterTargets } from "./cluster-targets.ts";
import { Compacting } from "./compacting.ts";
import { converge } from "./convergence.ts";
import type { FocusName } from "./focuses.ts";
import { InvariantViolation } from "./invariant-violation.ts";
import { Invariants } from "./invariants.ts";
import { LockBook, LockHolder } from "./lock-holder.ts";
import { Operator } from "./operator.ts";
import { drawParameters, modelsOf, type Parameters } from "./parameters.ts";
import { SharedKeys } from "./shared-keys.ts";
import { memberNames, SimulatedCluster } from "./simulated-cluster.ts";
import { compareTold, historyOf, Watching } from "./watching.ts";
import { Client } from "./workload.ts";

export interface RunOptions {
  readonly seed: number;
  readonly plant?: PlantedBug | undefined;
  /** Instead of the one that is drawn, or of none. */
  readonly focus?: FocusName | undefined;
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

/**
 * Runs one cluster from one seed: faults and load, then healing, then the questions. Whoever watches changes nothing in the
 * run: it is the same as without.
 */
export async function runSimulation(
  { seed, plant, focus, keep }: RunOptions,
  watching: Pick<ClusterRunOptions, "watch" | "onFault"> = {},
): Promise<RunResult> {
  const random = seededRandom(seed);
  const parameters = drawParameters(random.fork("parameters"), focus);
  const names = memberNames(parameters);
  const description = { seed, lengthMs: parameters.busyMs, faults: modelsOf(parameters) };
  const schedule = drawSchedule(random.fork("schedule"), description, names);
  const happening = { ...schedule, faults: schedule.faults.filter((_, at) => keep?.includes(at) !== false) };
  return { ...(await runCluster({ seed, parameters, schedule: happening, plant, ...watching })), schedule };
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
  /** Told of each fault that begins; gives what is told of its end. */
  readonly onFault?: FaultTargets["onFault"];
}

/** Runs one cluster under these faults. */
export async function runCluster(options: ClusterRunOptions): Promise<Omit<RunResult, "schedule">> {
  const { seed, parameters, schedule, plant, falsify, watch, onFault } = options;
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
        // Before the invariants: whoever watches also sees the step that breaks one.
        watch?.(world, cluster, recorder);
        const invariants = new Invariants();
        world.onStep(() => invariants.check(cluster.observed()));
        cluster.onSend = (message) => invariants.onSend(message);
        await liveThrough(world, cluster, recorder, parameters, schedule, onFault);
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
  onFault: ClusterRunOptions["onFault"],
): Promise<void> {
  const { clock, random } = world;
  for (const slot of cluster.slots) cluster.start(slot);
  const keys = new SharedKeys(parameters.keys);
  const clients = Array.from(
    { length: parameters.clients },
    (_, at) => new Client(at, cluster, recorder, clock, random.fork(`client ${at}`), parameters, keys),
  );
  const operator = new Operator(world, cluster, random.fork("operator"));
  const compacting = new Compacting(cluster, clock, random.fork("compacting"));
  const watchers = Array.from(
    { length: parameters.watchers },
    (_, at) => new Watching(cluster, clock, random.fork(`watcher ${at}`), compacting),
  );
  const book = new LockBook();
  const holders = Array.from(
    { length: parameters.holders },
    (_, at) => new LockHolder(cluster, clock, random.fork(`holder ${at}`), book),
  );
  const targets = { ...clusterTargets(world, cluster), ...(onFault === undefined ? {} : { onFault }) };
  await Promise.all([
    ...[...clients, ...watchers, ...holders, compacting, operator].map((one) => one.work(parameters.busyMs)),
    injectFaults(world, targets, schedule).finished,
  ]);
  cluster.faulty = false;
  await converge(world, cluster, operator);
  const [reader] = clients;
  for (const key of keys.all) await reader!.get(key);
  for (const client of clients) for (const key of client.createdKeys) await reader!.get(key);
  if (holders.length > 0) await leasesEnd(world, cluster);
  if (watchers.length > 0) await compareWatchers(cluster, watchers);
  const checked = checkLinearizable(keyValue(), recorder.events);
  if (checked.verdict !== "ok") throw new InvariantViolation("linearizability", checked.explanation);
}

/** Nobody keeps a lease alive any more. */
async function leasesEnd({ clock }: World, cluster: SimulatedCluster): Promise<void> {
  const limit = clock.now() + 10_000;
  const left = (): number | undefined => cluster.leader?.member?.machine.leases.size;
  while (left() !== 0 && clock.now() < limit) await clock.sleep(100);
  if (left() !== 0) throw new InvariantViolation("leases run out", `${left() ?? "nobody knows how many"} are left`);
}

/** All watchers have been told the same, which is what happened. */
async function compareWatchers(cluster: SimulatedCluster, watchers: readonly Watching[]): Promise<void> {
  const leader = cluster.leader!;
  const history = await historyOf(cluster, leader);
  const { revision } = leader.member!.machine;
  for (const watcher of watchers) {
    await watcher.finish(revision);
    compareTold(watcher, history, revision);
  }
}
