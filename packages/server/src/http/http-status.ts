import { grpcCode, type GrpcCode, type Status } from "../grpc/status-code.ts";

/** The HTTP status for each gRPC code, as etcd's gateway chooses it. */
const httpStatusByCode: Readonly<Record<GrpcCode, number>> = {
  [grpcCode.OK]: 200,
  [grpcCode.CANCELLED]: 408,
  [grpcCode.UNKNOWN]: 500,
  [grpcCode.INVALID_ARGUMENT]: 400,
  [grpcCode.DEADLINE_EXCEEDED]: 504,
  [grpcCode.NOT_FOUND]: 404,
  [grpcCode.ALREADY_EXISTS]: 409,
  [grpcCode.PERMISSION_DENIED]: 403,
  [grpcCode.RESOURCE_EXHAUSTED]: 429,
  [grpcCode.FAILED_PRECONDITION]: 412,
  [grpcCode.ABORTED]: 409,
  [grpcCode.OUT_OF_RANGE]: 400,
  [grpcCode.UNIMPLEMENTED]: 501,
  [grpcCode.INTERNAL]: 500,
  [grpcCode.UNAVAILABLE]: 503,
  [grpcCode.DATA_LOSS]: 500,
  [grpcCode.UNAUTHENTICATED]: 401,
};

export function httpStatusOf(code: GrpcCode): number {
  return httpStatusByCode[code];
}

/** The body that goes with a failure. */
export function errorBody({ code, message }: Status): string {
  return JSON.stringify({ error: message, message, code });
}
