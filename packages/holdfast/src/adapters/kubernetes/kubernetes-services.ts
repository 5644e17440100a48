import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure, type RestartRequest, type ServiceControl, type ServiceStatus } from "../../recovery/index.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { askApi, type ClusterAccess } from "./cluster-access.ts";
import { hindrance, readWorkload, restartedAt, restartKey, rolloutOf, type Workload } from "./rollout.ts";

export type WorkloadKind = "deployment" | "statefulset" | "daemonset";

export interface KubernetesServicesOptions {
  readonly access: ClusterAccess;
  /** Where the workloads are. Default `default`. */
  readonly namespace?: string;
  /** Those that may be restarted, `KIND/NAME`: `deployment/api`. */
  readonly workloads: readonly string[];
  /** How long a rollout may take. Default 600 000. */
  readonly readyWithinMs?: number;
  readonly clock?: Clock;
}

const places: Readonly<Record<WorkloadKind, string>> = {
  deployment: "deployments",
  statefulset: "statefulsets",
  daemonset: "daemonsets",
};
const askEveryMs = 1_000;
const namePattern = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Workloads of Kubernetes: restarted as `kubectl rollout restart` does, by an annotation of the pod template, so that new pods
 * take the places of the old ones by the workload's own rules; ready when `kubectl rollout status` would say so. The
 * annotation names the restart: the same one asked for again, also by another orchestrator, changes nothing.
 *
 * Needs `get` and `patch` on the workloads.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * kubernetesServices({ access: inClusterAccess(), namespace: "shop", workloads: ["deployment/api"] });
 */
export function kubernetesServices(options: KubernetesServicesOptions): ServiceControl {
  checkOptionNames("kubernetesServices", options, ["access", "namespace", "workloads", "readyWithinMs", "clock"]);
  const { access, namespace = "default", workloads, readyWithinMs = 600_000, clock = systemClock } = options;
  checkAccess(access);
  if (typeof namespace !== "string" || !namePattern.test(namespace)) {
    throw new InvalidArgumentError("kubernetesServices.namespace", "must be a namespace's name", namespace);
  }
  if (!Array.isArray(workloads) || workloads.some((workload) => pathOf(namespace, workload) === undefined)) {
    const rule = `must be KIND/NAME, of the kinds ${Object.keys(places).join(", ")}`;
    throw new InvalidArgumentError("kubernetesServices.workloads", rule, workloads);
  }
  checkInteger("kubernetesServices.readyWithinMs", readyWithinMs, 1);

  const find = (workload: string): string => {
    if (workloads.includes(workload)) return pathOf(namespace, workload)!;
    throw new InvalidArgumentError("service", `must be one of ${workloads.join(", ") || "none"}`, workload);
  };
  const get = async (path: string, signal: AbortSignal): Promise<Workload> =>
    readWorkload(await askApi(access, { method: "GET", path, signal }));

  async function restart(path: string, key: string | undefined, signal: AbortSignal): Promise<ServiceStatus> {
    const workload = await get(path, signal);
    const hindered = hindrance(workload);
    if (hindered !== undefined) throw new StepFailure("configuration", hindered);
    const told = workload.spec.template.metadata?.annotations ?? {};
    let now = workload;
    if (key === undefined || told[restartKey] !== key) {
      const at = new Date(clock.wallTime()).toISOString();
      const annotations = { [restartedAt]: at, [restartKey]: key ?? at };
      const patch = { spec: { template: { metadata: { annotations } } } };
      now = readWorkload(await askApi(access, { method: "PATCH", path, patch, signal }));
    }
    const endMs = clock.now() + readyWithinMs;
    for (;;) {
      const status = rolloutOf(now);
      if (status.state !== "starting") return status;
      if (clock.now() >= endMs) {
        throw new StepFailure("service", `not rolled out within ${readyWithinMs} ms: ${status.detail}`);
      }
      await clock.sleep(askEveryMs, { signal });
      now = await get(path, signal);
    }
  }

  const never = new AbortController().signal;
  return {
    refuses: (workload) =>
      workloads.includes(workload) ? undefined : `must be one of ${workloads.join(", ") || "none"}`,
    restart: async (workload, { signal = never, idempotencyKey }: RestartRequest = {}) =>
      await restart(find(workload), idempotencyKey, signal),
    status: async (workload, { signal = never } = {}) => rolloutOf(await get(find(workload), signal)),
  };
}

function pathOf(namespace: string, workload: unknown): string | undefined {
  if (typeof workload !== "string") return undefined;
  const [kind = "", name = "", ...more] = workload.split("/");
  const place = Object.hasOwn(places, kind) ? places[kind as WorkloadKind] : undefined;
  if (place === undefined || more.length > 0 || !namePattern.test(name)) return undefined;
  return `/apis/apps/v1/namespaces/${namespace}/${place}/${name}`;
}

function checkAccess(access: ClusterAccess): void {
  checkOptionNames("kubernetesServices.access", access, ["url", "token", "ca", "cert", "key"]);
  if (typeof access.url !== "string" || !/^https?:\/\/./.test(access.url)) {
    throw new InvalidArgumentError("kubernetesServices.access.url", "must be an http or https URL", access.url);
  }
}
