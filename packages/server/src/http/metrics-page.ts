import type { Member } from "holdfast/coordination";
import { createMetrics, prometheusValues, type Metrics, type MetricView } from "holdfast/telemetry";
import { Registry, type Metric } from "prom-client";
import type { RequestEvent, Transport } from "../etcd/dispatcher.ts";
import { defineMemberMetrics } from "../metrics/member-metrics.ts";
import { requestMetrics } from "../metrics/request-metrics.ts";
import type { MembershipView } from "./members-document.ts";

/** What `GET /metrics` answers, in Prometheus' text format. */
export interface MetricsPage {
  readonly contentType: string;
  render(): Promise<string>;
  /** Records a request that has begun. */
  readonly onStart: (transport: Transport, method: string) => void;
  /** Records a request that has ended. */
  readonly onRequest: (event: RequestEvent) => void;
}

export interface MetricsPageOptions {
  readonly member: Member;
  readonly membership?: MembershipView | undefined;
  /** Shown too: of the process that the member runs in. */
  readonly metrics?: Metrics | undefined;
}

export function createMetricsPage({ member, membership, metrics }: MetricsPageOptions): MetricsPage {
  const own = createMetrics();
  defineMemberMetrics(own, member, membership);
  const { onStart, onRequest } = requestMetrics(own);
  const registry = new Registry();
  register(own, registry);
  if (metrics !== undefined) register(metrics, registry);
  return { contentType: registry.contentType, render: () => registry.metrics(), onStart, onRequest };
}

/** Every metric there is and will be; one of a name that is there already is left out. */
function register(metrics: Metrics, registry: Registry): void {
  metrics.watch((view) => {
    if (registry.getSingleMetric(view.name) === undefined) registry.registerMetric(promMetric(view));
  });
}

/** As the registry asks for it; its types know only its own classes. */
function promMetric(view: MetricView): Metric {
  const { name, help, type } = view;
  const get = (): Promise<object> => Promise.resolve({ name, help, type, values: prometheusValues(view) });
  return { name, help, type, get } as unknown as Metric;
}
