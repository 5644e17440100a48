import type { ErrorKind } from "./holdfast-error.ts";

/** Whether the operation may have had its effect though it failed: decides whether a write may simply be repeated. */
export type Effect = "none" | "unknown";

/** What `classify` finds; each is explained in docs/errors.md. */
export type FailureErrorCode =
  | "CONNECTION_REFUSED"
  | "CONNECTION_LOST"
  | "HOST_UNREACHABLE"
  | "HOST_NOT_FOUND"
  | "NAME_LOOKUP_FAILED"
  | "TLS_FAILED"
  | "BAD_GATEWAY"
  | "WRONG_NODE"
  | "NETWORK_FAILED"
  | "CONNECT_TIMED_OUT"
  | "OPERATION_TIMED_OUT"
  | "CONFLICT"
  | "ALREADY_EXISTS"
  | "GONE"
  | "DATA_CORRUPTED"
  | "TOO_MANY_REQUESTS"
  | "SERVICE_UNAVAILABLE"
  | "TOO_MANY_CONNECTIONS"
  | "TOO_MANY_FILES"
  | "OUT_OF_MEMORY"
  | "DISK_FULL"
  | "LOCKED"
  | "TRANSACTION_ABORTED"
  | "CIRCUIT_OPEN"
  | "BULKHEAD_FULL"
  | "INVALID_REQUEST"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONSTRAINT_VIOLATED"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED"
  | "CANCELLED"
  | "SERVER_FAILED"
  | "PROTOCOL_BROKEN"
  | "ACCESS_DENIED"
  | "DISK_FAILED"
  | "CLIENT_CLOSED"
  | "DEFECT"
  | "UNCLASSIFIED";

/** Kind, whether the same call may succeed later, and whether it may have had its effect. */
export type FailureMeaning = readonly [kind: ErrorKind, transient: boolean, effect: Effect];

export const failureMeanings: Readonly<Record<FailureErrorCode, FailureMeaning>> = {
  CONNECTION_REFUSED: ["network", true, "none"],
  CONNECTION_LOST: ["network", true, "unknown"],
  HOST_UNREACHABLE: ["network", true, "none"],
  HOST_NOT_FOUND: ["network", false, "none"],
  NAME_LOOKUP_FAILED: ["network", true, "none"],
  TLS_FAILED: ["network", false, "none"],
  BAD_GATEWAY: ["network", true, "unknown"],
  WRONG_NODE: ["network", true, "none"],
  NETWORK_FAILED: ["network", true, "unknown"],
  CONNECT_TIMED_OUT: ["timeout", true, "none"],
  OPERATION_TIMED_OUT: ["timeout", true, "unknown"],
  CONFLICT: ["consistency", false, "none"],
  ALREADY_EXISTS: ["consistency", false, "none"],
  GONE: ["consistency", false, "none"],
  DATA_CORRUPTED: ["consistency", false, "unknown"],
  TOO_MANY_REQUESTS: ["resource", true, "none"],
  SERVICE_UNAVAILABLE: ["resource", true, "unknown"],
  TOO_MANY_CONNECTIONS: ["resource", true, "none"],
  TOO_MANY_FILES: ["resource", true, "none"],
  OUT_OF_MEMORY: ["resource", true, "none"],
  DISK_FULL: ["resource", false, "none"],
  LOCKED: ["resource", true, "none"],
  TRANSACTION_ABORTED: ["resource", true, "none"],
  CIRCUIT_OPEN: ["resource", true, "none"],
  BULKHEAD_FULL: ["resource", true, "none"],
  INVALID_REQUEST: ["business", false, "none"],
  UNAUTHENTICATED: ["business", false, "none"],
  FORBIDDEN: ["business", false, "none"],
  NOT_FOUND: ["business", false, "none"],
  CONSTRAINT_VIOLATED: ["business", false, "none"],
  PAYLOAD_TOO_LARGE: ["business", false, "none"],
  UNSUPPORTED: ["business", false, "none"],
  CANCELLED: ["business", false, "unknown"],
  SERVER_FAILED: ["system", false, "unknown"],
  PROTOCOL_BROKEN: ["system", false, "unknown"],
  ACCESS_DENIED: ["system", false, "none"],
  DISK_FAILED: ["system", false, "unknown"],
  CLIENT_CLOSED: ["system", false, "none"],
  DEFECT: ["system", false, "unknown"],
  UNCLASSIFIED: ["system", false, "unknown"],
};
