export { grpcHealthProbe } from "./grpc-health-probe.ts";
export type { GrpcHealthProbeOptions } from "./grpc-health-probe.ts";
export { healthInterceptor } from "./health-interceptor.ts";
export { healthService } from "./health-service.ts";
export type { HealthService, HealthServiceOptions } from "./health-service.ts";
