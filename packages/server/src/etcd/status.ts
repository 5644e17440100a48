import { HoldfastError } from "holdfast/errors";
import type { CoordinationErrorCode } from "holdfast/coordination";

/** The gRPC status codes used here (grpc.io, "Status codes and their use in gRPC"). */
export const grpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type GrpcCode = (typeof grpcCode)[keyof typeof grpcCode];

/** How a request ended, for both transports. */
export interface Status {
  readonly code: GrpcCode;
  readonly message: string;
}

/** The request itself was wrong on the wire: bytes, JSON, a header, an enumeration's value. */
export class RequestError extends Error {
  readonly status: Status;

  constructor(code: GrpcCode, message: string) {
    super(message);
    this.name = "RequestError";
    this.status = { code, message };
  }
}

/** Code and message as etcd 3.4 sends them, because clients match on the text; `holdfast:` marks our own. */
export const statusByCode: Readonly<Record<CoordinationErrorCode, Status>> = {
  EMPTY_KEY: { code: grpcCode.invalidArgument, message: "etcdserver: key is not provided" },
  KEY_NOT_FOUND: { code: grpcCode.invalidArgument, message: "etcdserver: key not found" },
  VALUE_PROVIDED: { code: grpcCode.invalidArgument, message: "etcdserver: value is provided" },
  LEASE_PROVIDED: { code: grpcCode.invalidArgument, message: "etcdserver: lease is provided" },
  LEASE_NOT_FOUND: { code: grpcCode.notFound, message: "etcdserver: requested lease not found" },
  DUPLICATE_KEY: { code: grpcCode.invalidArgument, message: "etcdserver: duplicate key given in txn request" },
  TOO_MANY_OPERATIONS: { code: grpcCode.invalidArgument, message: "etcdserver: too many operations in txn request" },
  REQUEST_TOO_LARGE: { code: grpcCode.invalidArgument, message: "etcdserver: request is too large" },
  INVALID_SORT_OPTION: { code: grpcCode.invalidArgument, message: "etcdserver: invalid sort option" },
  COMPACTED: { code: grpcCode.outOfRange, message: "etcdserver: mvcc: required revision has been compacted" },
  FUTURE_REVISION: {
    code: grpcCode.outOfRange,
    message: "etcdserver: mvcc: required revision is a future revision",
  },
  SESSION_EXPIRED: {
    code: grpcCode.failedPrecondition,
    message: "holdfast: the session no longer remembers this request; whether it was applied is unknown",
  },
  NO_LEADER: { code: grpcCode.unavailable, message: "etcdserver: no leader" },
  TIMED_OUT: { code: grpcCode.unavailable, message: "etcdserver: request timed out" },
  TOO_MANY_REQUESTS: { code: grpcCode.resourceExhausted, message: "etcdserver: too many requests" },
  STOPPED: { code: grpcCode.unavailable, message: "etcdserver: server stopped" },
};

/** What the caller is told about an error; `internal` for one that nobody foresaw. */
export function statusOf(error: unknown): Status {
  if (error instanceof RequestError) return error.status;
  if (HoldfastError.is(error) && Object.hasOwn(statusByCode, error.code)) {
    return statusByCode[error.code as CoordinationErrorCode];
  }
  if (HoldfastError.is(error) && error.code === "INVALID_ARGUMENT") {
    return { code: grpcCode.invalidArgument, message: `holdfast: ${error.message}` };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { code: grpcCode.internal, message: `holdfast: internal error: ${text}` };
}
