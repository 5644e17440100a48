import { StepFailure, type ServiceStatus } from "../../recovery/index.ts";

/** As much of a Deployment, StatefulSet or DaemonSet as tells how its rollout is getting on. */
export interface Workload {
  readonly kind: string;
  readonly metadata: { readonly generation: number; readonly uid?: string };
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> | null } };
    readonly paused?: boolean;
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly readyReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[];
  };
}

/** When the restart was asked for, as kubectl writes it. */
export const restartedAt = "kubectl.kubernetes.io/restartedAt";
/** By whom: the same restart is not asked for twice. */
export const restartKey = "holdfast/restart-key";

/** @throws StepFailure when an answer of the API is none */
export function readWorkload(answer: unknown): Workload {
  const { kind, metadata, spec } = (answer ?? {}) as Partial<Workload>;
  if (typeof kind === "string" && typeof metadata?.generation === "number" && typeof spec?.template === "object") {
    return answer as Workload;
  }
  throw new StepFailure("service", "the API's answer is no workload");
}

/** As `kubectl rollout status` judges it. */
export function rolloutOf(workload: Workload): ServiceStatus {
  const { metadata, spec, status = {} } = workload;
  const annotations = spec.template.metadata?.annotations ?? {};
  const instance = annotations[restartKey] ?? annotations[restartedAt];
  const of = (state: ServiceStatus["state"], detail: string): ServiceStatus => ({
    state,
    ...(instance === undefined ? {} : { instance }),
    detail,
  });
  const { observedGeneration = 0, conditions = [] } = status;
  if (observedGeneration < metadata.generation) return of("starting", "the change has not been seen yet");
  const late = conditions.find(({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded");
  if (late !== undefined) return of("failed", late.message ?? "the rollout has taken too long");
  if (workload.kind === "DaemonSet") {
    const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
    const detail = `${updatedNumberScheduled} new and ${numberAvailable} available of ${desiredNumberScheduled}`;
    const isDone = updatedNumberScheduled >= desiredNumberScheduled && numberAvailable >= desiredNumberScheduled;
    return of(isDone ? "ready" : "starting", detail);
  }
  const wanted = spec.replicas ?? 1;
  if (wanted === 0) return of("stopped", "it has no replicas");
  const { updatedReplicas = 0, availableReplicas = 0, readyReplicas = 0, replicas = 0 } = status;
  const isSet = workload.kind === "StatefulSet";
  // Of a set, those below the partition stay as they are.
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const up = isSet ? readyReplicas : availableReplicas;
  const detail = `${updatedReplicas} new and ${up} ${isSet ? "ready" : "available"} of ${wanted}`;
  const isUp = updatedReplicas >= wanted - partition && up >= wanted;
  // Old ones that are still ending count among the replicas.
  const isDone = isSet
    ? isUp && (partition > 0 || status.updateRevision === status.currentRevision)
    : isUp && replicas <= updatedReplicas;
  return of(isDone ? "ready" : "starting", detail);
}

/** Why a change of its template would begin nothing, or undefined. */
export function hindrance({ spec }: Workload): string | undefined {
  if (spec.paused === true) return "it is paused";
  if (spec.updateStrategy?.type !== "OnDelete") return undefined;
  return "it replaces its pods only when somebody deletes them (OnDelete)";
}
