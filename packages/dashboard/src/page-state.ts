import { batch, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { createContext, type Context } from "preact";
import { useContext } from "preact/hooks";
import type {
  ClusterView,
  DrillView,
  FaultTargetView,
  FaultView,
  HelloMessage,
  PlanView,
  ServiceReport,
} from "holdfast/telemetry";
import type { DashboardRequests } from "./browser/requests.ts";
import type { Connection } from "./model/connection.ts";
import type { EventLog } from "./model/event-log.ts";
import type { LiveModel, Reporting } from "./model/live-model.ts";
import type { PolicyGroup } from "./model/policy-groups.ts";
import type { SeriesBook } from "./model/series.ts";

/** Since when the page stands still: somebody asked for it, or scrolled away from the newest events to read. */
export interface Pause {
  readonly atMs: number;
  readonly by: "hand" | "reading";
}

/**
 * All that the views show. Each signal changes once a frame at most. While the page is paused, what is observed stands still
 * (cluster, services, events, charts); what people act on does not: faults, plans, drills.
 */
export interface PageState {
  readonly hello: ReadonlySignal<HelloMessage | null>;
  readonly cluster: ReadonlySignal<ClusterView | null>;
  /** The same, and never stands still: what a fault may hurt is judged by it. */
  readonly presentCluster: ReadonlySignal<ClusterView | null>;
  readonly services: ReadonlySignal<readonly ServiceReport[]>;
  readonly reporting: ReadonlySignal<Reporting>;
  readonly policies: ReadonlySignal<readonly PolicyGroup[]>;
  readonly plans: ReadonlySignal<readonly PlanView[]>;
  readonly drills: ReadonlySignal<readonly DrillView[]>;
  readonly faults: ReadonlySignal<readonly FaultView[]>;
  readonly targets: ReadonlySignal<readonly FaultTargetView[]>;
  readonly log: ReadonlySignal<EventLog>;
  /** While the page is paused, as they stood then. */
  readonly series: SeriesBook;
  readonly paused: ReadonlySignal<Pause | null>;
  /** Events that came since the page was paused. */
  readonly missed: ReadonlySignal<number>;
  readonly connection: Signal<Connection>;
  /** What the server sent and the page could not show, last; null while there was nothing. */
  readonly problem: Signal<string | null>;
  /** Milliseconds since 1970 by the cluster's clock, as far as the page knows it; twice a second. Stands still in a pause. */
  readonly nowMs: ReadonlySignal<number>;
  /** The same, and never stands still. */
  readonly clockMs: ReadonlySignal<number>;
  /** The page's own time, which the connection is measured by. */
  readonly steadyMs: Signal<number>;
  /** Null in a recording: nobody is there to ask. */
  readonly requests: DashboardRequests | null;
  /** What repeats a recorded run; undefined where nothing does. */
  readonly command: string | undefined;
  /** Shows what the model has now. */
  refresh(): void;
  setNow(nowMs: number): void;
  pause(by: Pause["by"]): void;
  goOn(): void;
}

export function pageState(
  model: LiveModel,
  requests: DashboardRequests | null,
  connection: Connection,
  command?: string,
): PageState {
  const shown = {
    hello: signal(model.hello),
    cluster: signal(model.cluster),
    presentCluster: signal(model.cluster),
    services: signal(model.services),
    reporting: signal(model.reporting),
    policies: signal(model.policies),
    plans: signal(model.plans),
    drills: signal(model.drills),
    faults: signal(model.faults),
    targets: signal(model.targets),
    log: signal(model.log),
    missed: signal(0),
    nowMs: signal(0),
    clockMs: signal(0),
  };
  const paused = signal<Pause | null>(null);
  let series = model.series;

  function refresh(): void {
    batch(() => {
      shown.hello.value = model.hello;
      shown.presentCluster.value = model.cluster;
      shown.plans.value = model.plans;
      shown.drills.value = model.drills;
      shown.faults.value = model.faults;
      shown.targets.value = model.targets;
      shown.missed.value = paused.value === null ? 0 : newSince(model.log, shown.log.value);
      if (paused.value !== null) return;
      shown.cluster.value = model.cluster;
      shown.services.value = model.services;
      shown.reporting.value = model.reporting;
      shown.policies.value = model.policies;
      shown.log.value = model.log;
    });
  }

  return {
    ...shown,
    get series() {
      return series;
    },
    paused,
    connection: signal(connection),
    problem: signal(null),
    steadyMs: signal(0),
    requests,
    command,
    refresh,
    setNow(nowMs) {
      shown.clockMs.value = nowMs;
      if (paused.value === null) shown.nowMs.value = nowMs;
    },
    pause(by) {
      // Who asked for it keeps it; reading alone would end with the view.
      if (paused.value?.by === "hand" || paused.value?.by === by) return;
      if (paused.value === null) series = model.series.copy();
      paused.value = { atMs: paused.value?.atMs ?? shown.nowMs.value, by };
    },
    goOn() {
      if (paused.value === null) return;
      series = model.series;
      batch(() => {
        paused.value = null;
        shown.nowMs.value = shown.clockMs.value;
        refresh();
      });
    },
  };
}

function newSince(now: EventLog, then: EventLog): number {
  return now.entries.length + now.dropped - then.entries.length - then.dropped;
}

export const PageContext: Context<PageState | null> = createContext<PageState | null>(null);

/** @throws Error outside of a page */
export function usePage(): PageState {
  const state = useContext(PageContext);
  if (state === null) throw new Error("a view stands outside of the page");
  return state;
}
