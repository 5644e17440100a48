import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Observation } from "holdfast/errors";
import { circuitBreaker, pipeline, timeout } from "holdfast/resilience";
import { nodeRuntime, seededRandom, type Clock, type Random } from "holdfast/runtime";
import { findLeader } from "../packages/server/src/drill/cluster-watch.ts";
import { clientUrl } from "../packages/server/src/supervisor/cluster-plan.ts";
import { planOnFreePorts } from "../packages/server/src/supervisor/free-plan.ts";
import { superviseCluster, type Supervisor } from "../packages/server/src/supervisor/supervisor.ts";
import { CallRecord } from "./predictor-calls.ts";
import { drawSchedule, performSchedule } from "./predictor-drill-faults.ts";
import type { RecordedHistory } from "./predictor-history.ts";
import { nextArrival } from "./predictor-service.ts";

export const drillStepMs = 500;
export const drillSignals = ["p50Ms", "p99Ms", "callsPerSecond", "inFlight", "breakersOpen"] as const;

const members = 3;
const callsPerSecond = 60;
const attemptMs = 250;
const startMs = 30_000;
/** A cold member's first answers are slow. */
const warmUpMs = 3_000;

/** A cluster of processes on this machine, for as long as it is used. */
interface DrillCluster {
  readonly supervisor: Supervisor;
  readonly urls: readonly string[];
  close(): Promise<void>;
}

async function startDrillCluster(): Promise<DrillCluster> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-predictor-"));
  const plan = await planOnFreePorts({ nodes: members, directory });
  const supervisor = superviseCluster({ plan, restart: false });
  const urls = plan.members.map(clientUrl);
  const close = async (): Promise<void> => {
    await supervisor.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    if (!(await supervisor.allAlive(startMs))) throw new Error("the cluster did not start");
    if ((await findLeader(urls, startMs)) === null) throw new Error(`no leader within ${startMs} ms`);
    return { supervisor, urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Records drills on clusters of their own, a few at the same time; in the end no process and no file is left. */
export async function recordDrills(
  seeds: readonly number[],
  durationMs: number,
  atOnce: number,
  signal: AbortSignal,
): Promise<RecordedHistory[]> {
  const histories: RecordedHistory[] = [];
  for (let from = 0; from < seeds.length; from += atOnce) {
    const failing = new AbortController();
    const ending = AbortSignal.any([signal, failing.signal]);
    const clusters: DrillCluster[] = [];
    try {
      const wave: { readonly seed: number; readonly cluster: DrillCluster }[] = [];
      for (const seed of seeds.slice(from, from + atOnce)) {
        signal.throwIfAborted();
        // One after the other: each looks for ports that are free when the one before has taken its own.
        const cluster = await startDrillCluster();
        clusters.push(cluster);
        wave.push({ seed, cluster });
      }
      const recording = wave.map(async ({ seed, cluster }) => {
        try {
          return await recordDrill(seed, durationMs, cluster, ending);
        } catch (error) {
          failing.abort(error);
          throw error;
        }
      });
      await Promise.allSettled(recording);
      histories.push(...(await Promise.all(recording)));
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.close()));
    }
  }
  return histories;
}

/**
 * Writes to a running cluster while its members are stopped and killed as the seed says, and records what the client sees,
 * as `recordHistory` does in the simulator. The faults are the seed's; how the machine takes them is its own affair, so that
 * two recordings of a seed are alike but not the same.
 */
async function recordDrill(
  seed: number,
  durationMs: number,
  { supervisor, urls }: DrillCluster,
  signal: AbortSignal,
): Promise<RecordedHistory> {
  const { clock } = nodeRuntime();
  const random = seededRandom(seed);
  const names = supervisor.members().map(({ plan }) => plan.name);
  const schedule = drawSchedule(random, names, durationMs);
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const client = new DrillClient(clock, random, urls);
  const load = client.run(ending);
  const faults = new Map<string, number>();
  const observations: Observation[] = [];
  let performing: Promise<void> = Promise.resolve();
  try {
    await delay(warmUpMs, undefined, { signal });
    // A fault that cannot be done ends the recording: without it the history would be of something else.
    const onFault = (kind: string): void => void faults.set(kind, (faults.get(kind) ?? 0) + 1);
    performing = performSchedule(schedule, supervisor, ending, onFault).catch((error: unknown) => {
      if (!ending.aborted) over.abort(error);
    });
    const started = clock.now();
    for (let step = 1; step * drillStepMs <= durationMs; step++) {
      await delay(Math.max(0, started + step * drillStepMs - clock.now()), undefined, { signal: ending });
      observations.push(client.observe());
    }
  } catch (error) {
    signal.throwIfAborted();
    throw over.signal.aborted ? over.signal.reason : error;
  } finally {
    over.abort();
    await Promise.all([load, performing]);
  }
  return { seed, observations, calls: client.calls, faults };
}

/** The pieces of a history between steps that came so late that a predictor takes them for a gap. */
export function withoutGaps({ observations }: RecordedHistory): { readonly observations: readonly Observation[] }[] {
  const pieces: Observation[][] = [];
  let last: Observation | undefined;
  for (const observation of observations) {
    const isGap = last === undefined || observation.at - last.at > 1.5 * drillStepMs;
    if (isGap) pieces.push([observation]);
    else pieces.at(-1)?.push(observation);
    last = observation;
  }
  return pieces.map((piece) => ({ observations: piece }));
}

/** Puts to all members alike, each behind a timeout and a breaker, and never waits for one before it makes the next. */
class DrillClient {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #record: CallRecord;
  readonly #guards;

  constructor(clock: Clock, random: Random, urls: readonly string[]) {
    this.#clock = clock;
    this.#random = random;
    this.#record = new CallRecord(clock);
    this.#guards = urls.map((url) => {
      const breaker = circuitBreaker({
        window: { kind: "time", ms: 2_000 },
        failureRate: 0.5,
        openMs: 1_000,
        clock,
        random,
      });
      const guard = pipeline(breaker, timeout({ timeoutMs: attemptMs, clock }));
      return { url, breaker, put: (value: string) => guard.execute(({ signal }) => put(url, value, signal)) };
    });
  }

  get calls(): number {
    return this.#record.calls;
  }

  async run(signal: AbortSignal): Promise<void> {
    const pending = new Set<Promise<void>>();
    while (!signal.aborted) {
      await nextArrival(this.#clock, this.#random, callsPerSecond);
      const which = this.#random.integer(0, this.#guards.length - 1);
      const guard = this.#guards[which];
      if (guard === undefined) continue;
      const call = this.#record
        .make(`put ${which}`, () => guard.put(String(this.calls)))
        .finally(() => pending.delete(call));
      pending.add(call);
    }
    await Promise.all(pending);
  }

  observe(): Observation {
    const open = this.#guards.filter(({ breaker }) => breaker.state !== "closed").length;
    return this.#record.observe(drillStepMs, { breakersOpen: open / members });
  }
}

const key = Buffer.from("predictor").toString("base64");

async function put(url: string, value: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/v3/kv/put`, {
    method: "POST",
    body: JSON.stringify({ key, value: Buffer.from(value).toString("base64") }),
    signal,
  });
  const text = await response.text();
  if (!response.ok) throw Object.assign(new Error(text), { status: response.status });
}
