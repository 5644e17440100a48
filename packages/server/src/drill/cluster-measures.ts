import { loadMeasures, type DrillMeasures, type DrillSeries, type LoadReport } from "holdfast/proof";
import { planMeasures, type PlanOutcome } from "./plan/plan-outcome.ts";
import { median } from "./service-gap.ts";
import type { WorkloadRecord } from "./workload.ts";

/** What a drill on a cluster has found so far; filled while it runs. */
export interface ClusterFindings {
  readonly nodes: number;
  readonly clients: number;
  readonly record: WorkloadRecord;
  /** Of each fault after which only another leader could serve. */
  readonly gapsMs: number[];
  /** One for each round of load. */
  readonly silencesMs: number[];
  rounds: number;
  /** Of the load at a rate; the last round's. */
  rateReport: LoadReport | undefined;
  convergedMs: number | null;
  lostWrites: number | null;
  linearizable: boolean | null;
  divergedKeys: number | null;
  /** Members that died and were not meant to. */
  crashes: number;
  readonly plans: PlanOutcome[];
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** The measures that rules of a drill on a cluster can name. */
export function clusterMeasures(found: ClusterFindings): DrillMeasures {
  const { record, gapsMs, silencesMs, rateReport } = found;
  const medianGapMs = median(gapsMs);
  const medianMs = medianGapMs === undefined ? null : round(medianGapMs);
  return {
    runs: found.rounds,
    nodes: found.nodes,
    clients: found.clients,
    operations: record.operations,
    answeredRatio: record.operations === 0 ? null : Math.round((record.answered / record.operations) * 1e4) / 1e4,
    acknowledgedWrites: record.acknowledgements.length,
    unknownWrites: record.unknownWrites,
    lostWrites: found.lostWrites,
    gapMs: medianMs,
    medianGapMs: medianMs,
    worstGapMs: gapsMs.length === 0 ? null : Math.max(...gapsMs),
    gapsMs,
    longestSilenceMs: silencesMs.length === 0 ? null : round(Math.max(...silencesMs)),
    convergedMs: found.convergedMs,
    linearizable: found.linearizable,
    divergedKeys: found.divergedKeys,
    crashes: found.crashes,
    ...(rateReport === undefined ? {} : rateMeasures(rateReport)),
    ...planMeasures(found.plans),
  };
}

const rateNames = ["offered", "succeeded", "failed", "dropped", "errorRatio", "throughputPerSecond"];
const latencyNames = ["p50Ms", "p90Ms", "p99Ms", "maxMs"];

function rateMeasures(report: LoadReport): Record<string, number | null> {
  const all = loadMeasures(report);
  return Object.fromEntries([...rateNames, ...latencyNames].map((name) => [name, all[name] ?? null]));
}

const bucketMs = 100;

/** Acknowledged writes over time, and of load at a rate what its users waited. */
export function clusterSeries(found: ClusterFindings, beganMs: number): readonly DrillSeries[] {
  const { acknowledgements } = found.record;
  const last = acknowledgements.at(-1);
  const buckets = last === undefined ? 0 : Math.floor((last.atMs - beganMs) / bucketMs) + 1;
  const counts = Array.from({ length: Math.max(0, buckets) }, () => 0);
  for (const { atMs } of acknowledgements) {
    const at = Math.floor((atMs - beganMs) / bucketMs);
    if (at >= 0) counts[at] = (counts[at] ?? 0) + 1;
  }
  const perSecond = counts.map((count, at) => [at * bucketMs, count * (1000 / bucketMs)] as const);
  const series: DrillSeries[] = [{ name: "acknowledged writes", unit: "a second", points: perSecond }];
  const timeline = found.rateReport?.timeline.filter(({ forMs }) => forMs > 0) ?? [];
  if (timeline.length === 0) return series;
  return [
    ...series,
    {
      name: "answered at the rate",
      unit: "a second",
      points: timeline.map(({ atMs, forMs, succeeded }) => [atMs, (succeeded / forMs) * 1000]),
    },
    { name: "99 % waited at most", unit: "ms", points: timeline.map(({ atMs, p99Ms }) => [atMs, p99Ms ?? 0]) },
  ];
}
