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
import type { LiveModel } from "./model/live-model.ts";
import type { PolicyGroup } from "./model/policy-groups.ts";
import type { SeriesBook } from "./model/series.ts";

/** All that the views show. Each signal changes once a frame at most. */
export interface PageState {
  readonly hello: ReadonlySignal<HelloMessage | null>;
  readonly cluster: ReadonlySignal<ClusterView | null>;
  readonly services: ReadonlySignal<readonly ServiceReport[]>;
  readonly policies: ReadonlySignal<readonly PolicyGroup[]>;
  readonly plans: ReadonlySignal<readonly PlanView[]>;
  readonly drills: ReadonlySignal<readonly DrillView[]>;
  readonly faults: ReadonlySignal<readonly FaultView[]>;
  readonly targets: ReadonlySignal<readonly FaultTargetView[]>;
  readonly log: ReadonlySignal<EventLog>;
  readonly series: SeriesBook;
  readonly connection: Signal<Connection>;
  /** What the server sent and the page could not show, last; null while there was nothing. */
  readonly problem: Signal<string | null>;
  /** Milliseconds since 1970 by the cluster's clock, as far as the page knows it; twice a second. */
  readonly nowMs: Signal<number>;
  /** The page's own time, which the connection is measured by. */
  readonly steadyMs: Signal<number>;
  /** Null in a recording: nobody is there to ask. */
  readonly requests: DashboardRequests | null;
  /** Shows what the model has now. */
  refresh(): void;
}

export function pageState(model: LiveModel, requests: DashboardRequests | null, connection: Connection): PageState {
  const shown = {
    hello: signal(model.hello),
    cluster: signal(model.cluster),
    services: signal(model.services),
    policies: signal(model.policies),
    plans: signal(model.plans),
    drills: signal(model.drills),
    faults: signal(model.faults),
    targets: signal(model.targets),
    log: signal(model.log),
  };
  return {
    ...shown,
    series: model.series,
    connection: signal(connection),
    problem: signal(null),
    nowMs: signal(0),
    steadyMs: signal(0),
    requests,
    refresh() {
      batch(() => {
        shown.hello.value = model.hello;
        shown.cluster.value = model.cluster;
        shown.services.value = model.services;
        shown.policies.value = model.policies;
        shown.plans.value = model.plans;
        shown.drills.value = model.drills;
        shown.faults.value = model.faults;
        shown.targets.value = model.targets;
        shown.log.value = model.log;
      });
    },
  };
}

export const PageContext: Context<PageState | null> = createContext<PageState | null>(null);

/** @throws Error outside of a page */
export function usePage(): PageState {
  const state = useContext(PageContext);
  if (state === null) throw new Error("a view stands outside of the page");
  return state;
}
