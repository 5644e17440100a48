import { grpcCode, type GrpcCode, type Status } from "../etcd/status.ts";

/** The HTTP status for each gRPC code, as etcd's gateway chooses it. */
const httpStatusByCode: Readonly<Record<GrpcCode, number>> = {
  [grpcCode.ok]: 200,
  [grpcCode.cancelled]: 408,
  [grpcCode.unknown]: 500,
  [grpcCode.invalidArgument]: 400,
  [grpcCode.deadlineExceeded]: 504,
  [grpcCode.notFound]: 404,
  [grpcCode.alreadyExists]: 409,
  [grpcCode.permissionDenied]: 403,
  [grpcCode.resourceExhausted]: 429,
  [grpcCode.failedPrecondition]: 412,
  [grpcCode.aborted]: 409,
  [grpcCode.outOfRange]: 400,
  [grpcCode.unimplemented]: 501,
  [grpcCode.internal]: 500,
  [grpcCode.unavailable]: 503,
  [grpcCode.dataLoss]: 500,
  [grpcCode.unauthenticated]: 401,
};

export function httpStatusOf(code: GrpcCode): number {
  return httpStatusByCode[code];
}

/** The body that goes with a failure. */
export function errorBody({ code, message }: Status): string {
  return JSON.stringify({ error: message, message, code });
}
