import { grpcCode, type GrpcCode, type Status } from "../grpc/status-code.ts";
import { HoldfastError } from "holdfast/errors/base";
import type { CoordinationErrorCode } from "holdfast/coordination";

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
  EMPTY_KEY: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: key is not provided" },
  KEY_NOT_FOUND: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: key not found" },
  VALUE_PROVIDED: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: value is provided" },
  LEASE_PROVIDED: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: lease is provided" },
  LEASE_NOT_FOUND: { code: grpcCode.NOT_FOUND, message: "etcdserver: requested lease not found" },
  LEASE_EXISTS: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: lease already exists" },
  LEASE_TTL_TOO_LARGE: { code: grpcCode.OUT_OF_RANGE, message: "etcdserver: too large lease TTL" },
  TOO_MANY_LEASES: { code: grpcCode.RESOURCE_EXHAUSTED, message: "holdfast: too many leases" },
  DUPLICATE_KEY: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: duplicate key given in txn request" },
  TOO_MANY_OPERATIONS: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: too many operations in txn request" },
  REQUEST_TOO_LARGE: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: request is too large" },
  INVALID_SORT_OPTION: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: invalid sort option" },
  COMPACTED: { code: grpcCode.OUT_OF_RANGE, message: "etcdserver: mvcc: required revision has been compacted" },
  FUTURE_REVISION: {
    code: grpcCode.OUT_OF_RANGE,
    message: "etcdserver: mvcc: required revision is a future revision",
  },
  SESSION_EXPIRED: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "holdfast: the session no longer remembers this request; whether it was applied is unknown",
  },
  ROOT_USER_MISSING: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: root user does not exist" },
  ROOT_ROLE_MISSING: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: root user does not have root role" },
  USER_EXISTS: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: user name already exists" },
  USER_EMPTY: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: user name is empty" },
  USER_NOT_FOUND: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: user name not found" },
  ROLE_EXISTS: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: role name already exists" },
  ROLE_NOT_FOUND: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: role name not found" },
  ROLE_EMPTY: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: role name is empty" },
  AUTH_FAILED: {
    code: grpcCode.INVALID_ARGUMENT,
    message: "etcdserver: authentication failed, invalid user ID or password",
  },
  PERMISSION_DENIED: { code: grpcCode.PERMISSION_DENIED, message: "etcdserver: permission denied" },
  ROLE_NOT_GRANTED: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: role is not granted to the user" },
  PERMISSION_NOT_GRANTED: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "etcdserver: permission is not granted to the role",
  },
  AUTH_NOT_ENABLED: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: authentication is not enabled" },
  INVALID_AUTH_TOKEN: { code: grpcCode.UNAUTHENTICATED, message: "etcdserver: invalid auth token" },
  INVALID_AUTH_MANAGEMENT: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: invalid auth management" },
  AUTH_OLD_REVISION: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: revision of auth store is old" },
  MEMBER_NOT_FOUND: { code: grpcCode.NOT_FOUND, message: "etcdserver: member not found" },
  MEMBER_NOT_LEARNER: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "etcdserver: can only promote a learner member",
  },
  MEMBER_REMOVED: {
    code: grpcCode.UNAVAILABLE,
    message: "etcdserver: the member has been permanently removed from the cluster",
  },
  LEARNER_NOT_READY: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "etcdserver: can only promote a learner member which is in sync with leader",
  },
  TOO_MANY_LEARNERS: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "etcdserver: too many learner members in cluster",
  },
  NOT_AT_LEARNER: { code: grpcCode.UNAVAILABLE, message: "etcdserver: rpc not supported for learner" },
  NOT_AT_WITNESS: { code: grpcCode.UNAVAILABLE, message: "holdfast: a witness holds no state: ask another member" },
  PEER_URL_EXISTS: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: Peer URLs already exists" },
  BAD_MEMBER_URLS: { code: grpcCode.INVALID_ARGUMENT, message: "etcdserver: given member URLs are invalid" },
  UNHEALTHY_CLUSTER: { code: grpcCode.UNAVAILABLE, message: "etcdserver: unhealthy cluster" },
  MEMBERS_CHANGED: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "holdfast: the members are not those that the change was meant for",
  },
  NOT_ENOUGH_STARTED: {
    code: grpcCode.FAILED_PRECONDITION,
    message: "etcdserver: re-configuration failed due to not enough started members",
  },
  BAD_LEADER_TRANSFEREE: { code: grpcCode.FAILED_PRECONDITION, message: "etcdserver: bad leader transferee" },
  TRANSFER_FAILED: {
    code: grpcCode.UNAVAILABLE,
    message: "etcdserver: request timed out, leader transfer took too long",
  },
  NO_SPACE: { code: grpcCode.RESOURCE_EXHAUSTED, message: "etcdserver: mvcc: database space exceeded" },
  CORRUPT: { code: grpcCode.DATA_LOSS, message: "etcdserver: corrupt cluster" },
  NOT_SUPPORTED: { code: grpcCode.UNIMPLEMENTED, message: "holdfast: a member of this kind does not do this" },
  NO_LEADER: { code: grpcCode.UNAVAILABLE, message: "etcdserver: no leader" },
  TIMED_OUT: { code: grpcCode.UNAVAILABLE, message: "etcdserver: request timed out" },
  TOO_MANY_REQUESTS: { code: grpcCode.RESOURCE_EXHAUSTED, message: "etcdserver: too many requests" },
  STOPPED: { code: grpcCode.UNAVAILABLE, message: "etcdserver: server stopped" },
};

/** What the caller is told about an error; `internal` for one that nobody foresaw. */
export function statusOf(error: unknown): Status {
  if (error instanceof RequestError) return error.status;
  if (HoldfastError.is(error) && Object.hasOwn(statusByCode, error.code)) {
    return statusByCode[error.code as CoordinationErrorCode];
  }
  if (HoldfastError.is(error) && error.code === "INVALID_ARGUMENT") {
    return { code: grpcCode.INVALID_ARGUMENT, message: `holdfast: ${error.message}` };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { code: grpcCode.INTERNAL, message: `holdfast: internal error: ${text}` };
}
