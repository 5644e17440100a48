export { CallNotRepeatedError, GrpcStatusError } from "./grpc-status-error.ts";
export type { GrpcStatusErrorOptions } from "./grpc-status-error.ts";
export { grpcDefaults } from "./interceptor-options.ts";
export type { OutgoingCall, ResilienceInterceptorOptions, StatusCodes } from "./interceptor-options.ts";
export { resilienceInterceptor } from "./resilience-interceptor.ts";
export { tracingInterceptor } from "./tracing-interceptor.ts";
export { tracingServerInterceptor } from "./tracing-server-interceptor.ts";
