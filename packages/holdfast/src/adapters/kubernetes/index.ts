export { kubernetesServices } from "./kubernetes-services.ts";
export type { KubernetesServicesOptions, WorkloadKind } from "./kubernetes-services.ts";
export { inClusterAccess } from "./cluster-access.ts";
export type { ClusterAccess } from "./cluster-access.ts";
