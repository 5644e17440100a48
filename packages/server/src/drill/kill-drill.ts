import { formatHistory, historyRecorder, checkLinearizable, keyValue, type HistoryRecorder } from "holdfast/proof";
import { nodeRuntime, type Clock } from "holdfast/runtime";
import type { ClientTls } from "../client/connections.ts";
import { clientUrl, type ClusterPlan } from "../supervisor/cluster-plan.ts";
import { superviseCluster, type Supervisor } from "../supervisor/supervisor.ts";
import { findLeader, untilConverged, type Leadership } from "./cluster-watch.ts";
import type { DrillFault, DrillReport, DrillVerdict } from "./drill-report.ts";
import { readEverything } from "./final-reads.ts";
import { longestSilence, median, serviceGap } from "./service-gap.ts";
import { maxLoadEvents, newWorkloadRecord, startWorkload, type WorkloadRecord } from "./workload.ts";

/** Which members a run kills, all at the same moment, and what for. */
export interface KillDrill {
  readonly name: string;
  readonly summary: string;
  targets(leader: string, members: readonly string[]): readonly string[];
}

export interface KillDrillOptions {
  readonly plan: ClusterPlan;
  readonly runs: number;
  /** Of load, each run. */
  readonly seconds: number;
  readonly clients: number;
  /** Ends the drill early. */
  readonly stop: AbortSignal;
  /** Progress, for people. */
  readonly say: (line: string) => void;
  /** Where the history goes. */
  readonly saveHistory: (text: string) => void;
}

const limits = { startMs: 30_000, leaderMs: 10_000, serviceMs: 30_000, convergeMs: 30_000, checkMs: 120_000 } as const;

/** Ends a drill with a verdict other than passed. */
class DrillEnd extends Error {
  readonly verdict: DrillVerdict;

  constructor(verdict: DrillVerdict, reason: string) {
    super(reason);
    this.verdict = verdict;
  }
}

interface DrillState {
  readonly options: KillDrillOptions;
  readonly drill: KillDrill;
  readonly supervisor: Supervisor;
  readonly recorder: HistoryRecorder;
  readonly record: WorkloadRecord;
  readonly endpoints: readonly string[];
  readonly tls: ClientTls | undefined;
  readonly faults: DrillFault[];
  readonly gapsMs: number[];
  readonly silencesMs: number[];
  /** Members that are being killed: their death is no surprise. */
  readonly condemned: Set<string>;
  /** The first member that died without being killed, and how. */
  crash: string | undefined;
  startedAtMs: number;
}

/**
 * Kills members of a cluster of real processes under load, and checks what clients saw: nothing acknowledged is lost,
 * the recorded history is linearizable, service comes back.
 */
export async function runKillDrill(drill: KillDrill, options: KillDrillOptions): Promise<DrillReport> {
  const { plan, say, stop } = options;
  const { clock } = nodeRuntime();
  const state: DrillState = {
    options,
    drill,
    supervisor: superviseCluster({
      plan,
      restart: false,
      onEvent: ({ member, kind, text }) => {
        if (kind === "died" && !state.condemned.has(member)) state.crash ??= `${member} ${text}`;
      },
    }),
    // The final reads come on top of the load, up to one for each write.
    recorder: historyRecorder(clock, { maxEvents: 3 * maxLoadEvents }),
    record: newWorkloadRecord(),
    endpoints: plan.members.map(clientUrl),
    tls: plan.tls?.own,
    faults: [],
    gapsMs: [],
    silencesMs: [],
    condemned: new Set(),
    crash: undefined,
    startedAtMs: performance.now(),
  };
  let end: DrillEnd = new DrillEnd("passed", "");
  let convergedMs: number | null = null;
  let lost: readonly string[] | null = null;
  let linearizable: boolean | null = null;
  try {
    if (!(await state.supervisor.allAlive(limits.startMs)))
      throw new DrillEnd("inconclusive", "the cluster did not start");
    state.startedAtMs = performance.now();
    for (let run = 1; run <= options.runs; run++) await runOnce(state, run);
    convergedMs = await untilConverged(state.endpoints, limits.convergeMs, state.tls);
    if (convergedMs === null) throw new DrillEnd("timeout", `members did not converge within ${limits.convergeMs} ms`);
    lost = await orEnd("timeout", readEverything(state.endpoints, state.recorder, state.record, state.tls));
  } catch (error) {
    if (!(error instanceof DrillEnd)) {
      await state.supervisor.stop();
      throw error;
    }
    end = error;
  }
  await state.supervisor.stop();
  options.saveHistory(formatHistory(state.recorder.events));

  if (state.recorder.events.length > 0 && !stop.aborted) {
    say(`checking ${state.record.operations} operations`);
    const judged = judge(state, clock, lost, end);
    linearizable = judged.linearizable;
    end = judged.end;
  }
  return report(state, end, { convergedMs, lost: lost?.length ?? null, linearizable });
}

/** Ends the drill with the verdict when the promise rejects. */
async function orEnd<T>(verdict: DrillVerdict, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof DrillEnd ? error : new DrillEnd(verdict, (error as Error).message);
  }
}

/** One fault under load. @throws DrillEnd */
async function runOnce(state: DrillState, run: number): Promise<void> {
  const { options, record } = state;
  const workload = startWorkload({ ...state, clients: options.clients, round: run });
  const from = record.acknowledgements.length;
  const loadEndsAtMs = performance.now() + options.seconds * 1000;
  try {
    await pause(options.seconds * 300, options.stop);
    // A cold cluster takes its time for the first write; a fault before it would prove nothing.
    const patienceEndsAtMs = performance.now() + limits.leaderMs;
    while (record.acknowledgements.length === from && performance.now() < patienceEndsAtMs) {
      await pause(20, options.stop);
    }
    const leader = await findLeader(state.endpoints, limits.leaderMs, state.tls);
    if (leader === null) throw new DrillEnd("inconclusive", `no leader within ${limits.leaderMs} ms: nothing to kill`);
    if (record.acknowledgements.length === from) {
      throw new DrillEnd("inconclusive", "no write was acknowledged before the fault");
    }
    await killAndWatch(state, run, leader);
    await pause(loadEndsAtMs - performance.now(), options.stop);
  } finally {
    await workload.stop();
    const silence = longestSilence(record.acknowledgements.slice(from));
    if (silence !== undefined) state.silencesMs.push(silence);
  }
}

async function killAndWatch(state: DrillState, run: number, leader: Leadership): Promise<void> {
  const { options, drill, supervisor, record, faults, gapsMs } = state;
  const names = options.plan.members.map((member) => member.name);
  const targets = drill.targets(leader.name, names);
  for (const target of targets) state.condemned.add(target);
  const killed = await Promise.all(
    targets.map(async (target) => ({ target, ...(await orEnd("inconclusive", supervisor.kill(target))) })),
  );
  const first = faults.length;
  for (const { target, pid, sentAtMs, exit } of killed) {
    faults.push({
      kind: "kill",
      target,
      pid,
      role: target === leader.name ? "leader" : "follower",
      term: leader.term,
      atMs: round(sentAtMs - state.startedAtMs),
      diedAfterMs: round(exit.atMs - sentAtMs),
      readyAfterMs: null,
    });
    if (exit.signal !== "SIGKILL") {
      throw new DrillEnd("inconclusive", `${target} (pid ${pid}) ended by itself and not by the kill`);
    }
  }
  const sentAtMs = killed[0]?.sentAtMs ?? performance.now();
  const fault = { atMs: sentAtMs, term: leader.term };

  // The rest must find a leader by themselves; only when no majority is left do the dead have to come back first.
  const majorityLeft = names.length - targets.length > names.length / 2;
  if (majorityLeft) await untilService(state, fault);
  await Promise.all(
    targets.map(async (target, index) => {
      await orEnd("failed", supervisor.start(target));
      state.condemned.delete(target);
      const known = faults[first + index];
      if (known !== undefined) faults[first + index] = { ...known, readyAfterMs: round(performance.now() - sentAtMs) };
    }),
  );
  const gapMs = await untilService(state, fault);
  gapsMs.push(gapMs);
  const who = targets.length === 1 ? `${leader.name}, leader of term ${leader.term}` : `all ${targets.length} members`;
  const acknowledged = record.acknowledgements.length;
  options.say(
    `run ${run} of ${options.runs}: killed ${who}; writes again after ${gapMs} ms (${acknowledged} acknowledged so far)`,
  );
}

/** @throws DrillEnd (timeout) */
async function untilService(
  { options, record }: DrillState,
  fault: { readonly atMs: number; readonly term: number },
): Promise<number> {
  while (performance.now() - fault.atMs < limits.serviceMs) {
    const gapMs = serviceGap(record.acknowledgements, fault);
    if (gapMs !== undefined) return round(gapMs);
    await pause(5, options.stop);
  }
  throw new DrillEnd("timeout", `no write was acknowledged within ${limits.serviceMs} ms of the fault`);
}

/** The verdict of the history; a violation outranks whatever else went wrong. */
function judge(
  { recorder, record, crash }: DrillState,
  clock: Clock,
  lost: readonly string[] | null,
  end: DrillEnd,
): { readonly linearizable: boolean | null; readonly end: DrillEnd } {
  const check = checkLinearizable(keyValue(), recorder.events, { timeoutMs: limits.checkMs, clock });
  const linearizable = check.verdict === "unknown" ? null : check.verdict === "ok";
  if (lost !== null && lost.length > 0) {
    const some = lost.slice(0, 3).join(", ");
    return {
      linearizable,
      end: new DrillEnd("failed", `${lost.length} acknowledged writes are lost, among them ${some}`),
    };
  }
  if (linearizable === false) {
    return { linearizable, end: new DrillEnd("failed", `the history is not linearizable: ${check.explanation}`) };
  }
  if (crash !== undefined) {
    return { linearizable, end: new DrillEnd("failed", `a member died that was not killed: ${crash}`) };
  }
  if (end.verdict !== "passed") return { linearizable, end };
  if (linearizable === null) {
    return { linearizable, end: new DrillEnd("inconclusive", `the check did not end: ${check.explanation}`) };
  }
  if (record.surprise !== undefined) {
    const reason = `a client met an error that a fault does not explain: ${record.surprise.message}`;
    return { linearizable, end: new DrillEnd("failed", reason) };
  }
  return { linearizable, end };
}

function report(
  state: DrillState,
  end: DrillEnd,
  last: { readonly convergedMs: number | null; readonly lost: number | null; readonly linearizable: boolean | null },
): DrillReport {
  const { options, record, gapsMs, silencesMs } = state;
  const medianGapMs = median(gapsMs);
  const medianMs = medianGapMs === undefined ? null : round(medianGapMs);
  return {
    drill: state.drill.name,
    verdict: end.verdict,
    reason: end.message,
    measures: {
      runs: gapsMs.length,
      nodes: options.plan.members.length,
      clients: options.clients,
      operations: record.operations,
      acknowledgedWrites: record.acknowledgements.length,
      unknownWrites: record.unknownWrites,
      lostWrites: last.lost,
      gapMs: medianMs,
      medianGapMs: medianMs,
      worstGapMs: gapsMs.length === 0 ? null : Math.max(...gapsMs),
      gapsMs,
      longestSilenceMs: silencesMs.length === 0 ? null : round(Math.max(...silencesMs)),
      convergedMs: last.convergedMs,
      linearizable: last.linearizable,
    },
    faults: state.faults,
    history: null,
  };
}

/** @throws DrillEnd (inconclusive) when the drill is ended early */
function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const interrupted = (): void => {
      clearTimeout(timer);
      reject(new DrillEnd("inconclusive", `interrupted by ${String(stop.reason)}`));
    };
    const timer = setTimeout(
      () => {
        stop.removeEventListener("abort", interrupted);
        resolve();
      },
      Math.max(0, delayMs),
    );
    if (stop.aborted) interrupted();
    else stop.addEventListener("abort", interrupted, { once: true });
  });
}

const round = (value: number): number => Math.round(value * 10) / 10;
