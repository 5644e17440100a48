import type { HistoryMessage } from "holdfast/telemetry";
import { policyKey } from "./policy-groups.ts";
import { clusterSeries, type SeriesBook } from "./series.ts";

/** More than this is no history that a page shows. */
const most = { times: 2_000, policies: 500 } as const;

/** Puts what was before into the series; lists that do not fit the times are left out. */
export function takeHistory(series: SeriesBook, { times, cluster, policies }: HistoryMessage): void {
  if (times.length > most.times || times.some((time, at) => at > 0 && time <= times[at - 1]!)) return;
  const fill = (name: string, columns: readonly (readonly (number | null)[])[]): void => {
    if (columns.every(({ length }) => length === times.length)) series.fill(name, times, columns);
  };
  if (cluster !== null) fill(clusterSeries, [cluster.commitsPerSecond, cluster.lagEntries, cluster.residentBytes]);
  for (const { service, kind, name, callsPerSecond, failedPerSecond, p50, p90, p99 } of policies.slice(
    0,
    most.policies,
  )) {
    fill(policyKey(service, kind, name), [callsPerSecond, failedPerSecond, p50, p90, p99]);
  }
}
