import type {
  AbsentInstance,
  ClusterView,
  DrillView,
  FaultTargetView,
  FaultView,
  HelloMessage,
  LiveMessage,
  PlanView,
  RefusedReports,
  ServiceReport,
} from "holdfast/telemetry";
import { emptyLog, withEvents, withLost, type EventLog } from "./event-log.ts";
import { takeHistory } from "./history.ts";
import { keptInPlace, policyGroups, type PolicyGroup } from "./policy-groups.ts";
import { clusterSeries, greatest, maxSeries, SeriesBook } from "./series.ts";
import { StateTimes } from "./state-times.ts";

/** As much of the lists as is kept, whatever the server sends. */
const most = { members: 1_000, services: 200, plans: 500, drills: 200, faults: 1_000, targets: 2_000 } as const;

/** Who reports no more, and whose reports are not taken. */
export interface Reporting {
  readonly absent: readonly AbsentInstance[];
  readonly refused: RefusedReports | null;
}

const allReport: Reporting = { absent: [], refused: null };

/** What the page knows: the last word of each kind, and the events and series of a while. */
export class LiveModel {
  hello: HelloMessage | null = null;
  cluster: ClusterView | null = null;
  services: readonly ServiceReport[] = [];
  reporting: Reporting = allReport;
  policies: readonly PolicyGroup[] = [];
  plans: readonly PlanView[] = [];
  drills: readonly DrillView[] = [];
  faults: readonly FaultView[] = [];
  targets: readonly FaultTargetView[] = [];
  log: EventLog = emptyLog;
  readonly series: SeriesBook = new SeriesBook();
  readonly #stateTimes = new StateTimes();

  /** `atMs`: milliseconds since 1970, when it came. */
  apply(message: LiveMessage, atMs: number): void {
    switch (message.type) {
      case "hello":
        this.hello = message;
        break;
      case "cluster":
        this.#cluster(message.cluster, atMs);
        break;
      case "services":
        this.#services(message.services.slice(0, most.services), atMs);
        this.reporting = {
          absent: (message.absent ?? []).slice(0, most.services),
          refused: message.refused ?? null,
        };
        break;
      case "plans":
        this.plans = message.plans.slice(0, most.plans);
        break;
      case "drills":
        this.drills = message.drills.slice(0, most.drills);
        break;
      case "faults":
        this.faults = message.faults.slice(0, most.faults);
        this.targets = message.targets.slice(0, most.targets);
        break;
      case "events":
        this.log = withEvents(this.log, message.events);
        break;
      case "lost":
        this.log = withLost(this.log, message.nodeId, message.count);
        break;
      case "history":
        takeHistory(this.series, message);
        break;
    }
  }

  /** Forgets everything: a recording that is played from its start again. */
  reset(): void {
    this.hello = null;
    this.cluster = null;
    this.services = [];
    this.reporting = allReport;
    this.policies = [];
    this.plans = [];
    this.drills = [];
    this.faults = [];
    this.targets = [];
    this.log = emptyLog;
    this.series.clear();
    this.#stateTimes.clear();
  }

  #cluster(cluster: ClusterView, atMs: number): void {
    const members = cluster.members.slice(0, most.members);
    this.cluster = { ...cluster, members };
    const lag = greatest(members.map(({ lagEntries }) => lagEntries));
    const resident = greatest(members.map(({ residentBytes }) => residentBytes));
    this.series.add(clusterSeries, atMs, [cluster.commitsPerSecond, lag, resident]);
  }

  #services(services: readonly ServiceReport[], atMs: number): void {
    this.services = services;
    const groups = keptInPlace(policyGroups(services), this.policies);
    const states = groups.map(({ key, state, tone }) => [key, state ?? tone] as const);
    this.#stateTimes.look(states, atMs);
    this.policies = groups.map((group) => timed(group, this.#stateTimes, atMs));
    // Those that need looking at come first.
    for (const { key, callsPerSecond, failureRatio, durationMs } of this.policies.slice(0, maxSeries - 1)) {
      const failed = failureRatio === null ? null : callsPerSecond * failureRatio;
      this.series.add(key, atMs, [
        callsPerSecond,
        failed,
        durationMs?.p50 ?? null,
        durationMs?.p90 ?? null,
        durationMs?.p99 ?? null,
      ]);
    }
  }
}

/** With what only whoever watches knows: since when it is so, and when it will be otherwise. */
function timed(group: PolicyGroup, times: StateTimes, atMs: number): PolicyGroup {
  const left = group.instances.flatMap(({ policy: { gauges, state } }) => {
    const remaining = state === "open" ? gauges["remainingOpenMs"] : undefined;
    return remaining !== undefined && remaining > 0 && Number.isFinite(remaining) ? [remaining] : [];
  });
  const halfOpenAtMs = left.length === 0 ? null : atMs + Math.min(...left);
  return { ...group, since: times.of(group.key), halfOpenAtMs };
}
