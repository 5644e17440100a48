import { HoldfastError, type ErrorKind } from "../errors/base.ts";

/** Every way a coordination request can be refused. */
export type CoordinationErrorCode =
  | "EMPTY_KEY"
  | "KEY_NOT_FOUND"
  | "VALUE_PROVIDED"
  | "LEASE_PROVIDED"
  | "LEASE_NOT_FOUND"
  | "LEASE_EXISTS"
  | "LEASE_TTL_TOO_LARGE"
  | "TOO_MANY_LEASES"
  | "DUPLICATE_KEY"
  | "TOO_MANY_OPERATIONS"
  | "REQUEST_TOO_LARGE"
  | "INVALID_SORT_OPTION"
  | "COMPACTED"
  | "FUTURE_REVISION"
  | "SESSION_EXPIRED"
  | "ROOT_USER_MISSING"
  | "ROOT_ROLE_MISSING"
  | "USER_EXISTS"
  | "USER_EMPTY"
  | "USER_NOT_FOUND"
  | "ROLE_EXISTS"
  | "ROLE_NOT_FOUND"
  | "ROLE_EMPTY"
  | "AUTH_FAILED"
  | "PERMISSION_DENIED"
  | "ROLE_NOT_GRANTED"
  | "PERMISSION_NOT_GRANTED"
  | "AUTH_NOT_ENABLED"
  | "INVALID_AUTH_TOKEN"
  | "INVALID_AUTH_MANAGEMENT"
  | "AUTH_OLD_REVISION"
  | "MEMBER_NOT_FOUND"
  | "MEMBER_NOT_LEARNER"
  | "MEMBER_REMOVED"
  | "LEARNER_NOT_READY"
  | "TOO_MANY_LEARNERS"
  | "NOT_AT_LEARNER"
  | "NOT_AT_WITNESS"
  | "PEER_URL_EXISTS"
  | "BAD_MEMBER_URLS"
  | "UNHEALTHY_CLUSTER"
  | "MEMBERS_CHANGED"
  | "NOT_ENOUGH_STARTED"
  | "BAD_LEADER_TRANSFEREE"
  | "TRANSFER_FAILED"
  | "NO_SPACE"
  | "CORRUPT"
  | "NOT_SUPPORTED"
  | "NO_LEADER"
  | "TIMED_OUT"
  | "TOO_MANY_REQUESTS"
  | "STOPPED";

/** Kind, whether the same request may succeed later, and the message. */
export const coordinationErrors: Readonly<Record<CoordinationErrorCode, readonly [ErrorKind, boolean, string]>> = {
  EMPTY_KEY: ["business", false, "key is not provided"],
  KEY_NOT_FOUND: ["business", false, "key not found"],
  VALUE_PROVIDED: ["business", false, "value is provided"],
  LEASE_PROVIDED: ["business", false, "lease is provided"],
  LEASE_NOT_FOUND: ["business", false, "requested lease not found"],
  LEASE_EXISTS: ["business", false, "lease already exists"],
  LEASE_TTL_TOO_LARGE: ["business", false, "too large lease TTL"],
  TOO_MANY_LEASES: ["resource", true, "too many leases"],
  DUPLICATE_KEY: ["business", false, "duplicate key given in txn request"],
  TOO_MANY_OPERATIONS: ["business", false, "too many operations in txn request"],
  REQUEST_TOO_LARGE: ["business", false, "request is too large"],
  INVALID_SORT_OPTION: ["business", false, "invalid sort option"],
  COMPACTED: ["consistency", false, "required revision has been compacted"],
  FUTURE_REVISION: ["consistency", false, "required revision is a future revision"],
  SESSION_EXPIRED: [
    "consistency",
    false,
    "the session no longer remembers this request; whether it was applied is unknown",
  ],
  ROOT_USER_MISSING: ["business", false, "root user does not exist"],
  ROOT_ROLE_MISSING: ["business", false, "root user does not have root role"],
  USER_EXISTS: ["business", false, "user name already exists"],
  USER_EMPTY: ["business", false, "user name is empty"],
  USER_NOT_FOUND: ["business", false, "user name not found"],
  ROLE_EXISTS: ["business", false, "role name already exists"],
  ROLE_NOT_FOUND: ["business", false, "role name not found"],
  ROLE_EMPTY: ["business", false, "role name is empty"],
  AUTH_FAILED: ["business", false, "authentication failed, invalid user ID or password"],
  PERMISSION_DENIED: ["business", false, "permission denied"],
  ROLE_NOT_GRANTED: ["business", false, "role is not granted to the user"],
  PERMISSION_NOT_GRANTED: ["business", false, "permission is not granted to the role"],
  AUTH_NOT_ENABLED: ["business", false, "authentication is not enabled"],
  INVALID_AUTH_TOKEN: ["business", false, "invalid auth token"],
  INVALID_AUTH_MANAGEMENT: ["business", false, "invalid auth management"],
  AUTH_OLD_REVISION: ["consistency", true, "the users or their permissions have changed meanwhile"],
  MEMBER_NOT_FOUND: ["business", false, "member not found"],
  MEMBER_NOT_LEARNER: ["business", false, "can only promote a learner member"],
  MEMBER_REMOVED: ["system", false, "this member was removed from its cluster for good"],
  LEARNER_NOT_READY: ["consistency", true, "can only promote a learner member which is in sync with leader"],
  TOO_MANY_LEARNERS: ["business", false, "too many learner members in cluster"],
  NOT_AT_LEARNER: ["network", true, "rpc not supported for learner"],
  NOT_AT_WITNESS: ["network", true, "a witness holds no state: ask another member"],
  PEER_URL_EXISTS: ["business", false, "peer URLs already exist"],
  BAD_MEMBER_URLS: ["business", false, "given member URLs are invalid"],
  UNHEALTHY_CLUSTER: ["network", true, "unhealthy cluster"],
  MEMBERS_CHANGED: ["consistency", false, "the members are not those that the change was meant for"],
  NOT_ENOUGH_STARTED: ["business", false, "re-configuration failed due to not enough started members"],
  BAD_LEADER_TRANSFEREE: ["business", false, "bad leader transferee"],
  TRANSFER_FAILED: ["timeout", true, "the other member did not take over in time"],
  NO_SPACE: ["resource", false, "database space exceeded"],
  CORRUPT: ["consistency", false, "corrupt cluster"],
  NOT_SUPPORTED: ["business", false, "a member of this kind does not do this"],
  NO_LEADER: ["network", true, "no leader"],
  TIMED_OUT: ["timeout", false, "request timed out; whether it was applied is unknown"],
  TOO_MANY_REQUESTS: ["resource", true, "too many requests"],
  STOPPED: ["system", true, "server stopped"],
};

/** A coordination request was refused or its outcome is unknown (`TIMED_OUT`, `SESSION_EXPIRED`). */
export class CoordinationError extends HoldfastError {
  static override readonly brand: string = "CoordinationError";

  declare readonly code: CoordinationErrorCode;

  constructor(code: CoordinationErrorCode, options: { readonly cause?: unknown } = {}) {
    const [kind, retryable, message] = coordinationErrors[code];
    super(message, { name: "CoordinationError", code, kind, retryable, ...options });
  }
}
