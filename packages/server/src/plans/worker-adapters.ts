/** What executors of the command work with, in one place. */
export { configurationFiles } from "../../../holdfast/src/adapters/configuration-file/index.ts";
export { grpcHealthProbe } from "../../../holdfast/src/adapters/grpc-health/index.ts";
export { inClusterAccess, kubernetesServices } from "../../../holdfast/src/adapters/kubernetes/index.ts";
export {
  commandDefaults,
  commandExecutor,
  commandRunner,
  createServiceSupervisor,
} from "../../../holdfast/src/adapters/process/index.ts";
export type { ServiceEvent, ServiceSupervisor } from "../../../holdfast/src/adapters/process/index.ts";
export { systemdServices } from "../../../holdfast/src/adapters/systemd/index.ts";
