export { grpcHealthProbe } from "./grpc-health-probe.ts";
export type { GrpcHealthProbeOptions } from "./grpc-health-probe.ts";
