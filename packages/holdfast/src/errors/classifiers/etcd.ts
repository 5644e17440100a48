import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** What etcd and Holdfast members say after `etcdserver: `, over gRPC or the JSON gateway; and etcd3's own errors. */
export const etcdClassifier: Classifier = {
  system: "etcd",
  rules: {
    "request timed out": "OPERATION_TIMED_OUT",
    "too many requests": "TOO_MANY_REQUESTS",
    "no leader": ["WRONG_NODE", "unknown"],
    "leader changed": "CONNECTION_LOST",
    "not leader": "WRONG_NODE",
    "rpc not supported for learner": "WRONG_NODE",
    "server stopped": ["SERVICE_UNAVAILABLE", "unknown"],
    "mvcc: database space exceeded": "DISK_FULL",
    "mvcc: required revision has been compacted": "GONE",
    "mvcc: required revision is a future revision": "INVALID_REQUEST",
    "requested lease not found": "NOT_FOUND",
    "lease already exists": "ALREADY_EXISTS",
    "key is not provided": "INVALID_REQUEST",
    "key not found": "NOT_FOUND",
    "duplicate key given in txn request": "INVALID_REQUEST",
    "too many operations in txn request": "INVALID_REQUEST",
    "request is too large": "PAYLOAD_TOO_LARGE",
    "user name already exists": "ALREADY_EXISTS",
    "role name already exists": "ALREADY_EXISTS",
    "user name not found": "NOT_FOUND",
    "role name not found": "NOT_FOUND",
    "root user does not exist": "CONFLICT",
    "authentication failed, invalid user ID or password": "UNAUTHENTICATED",
    "invalid auth token": "UNAUTHENTICATED",
    "user name is empty": "UNAUTHENTICATED",
    "permission denied": "FORBIDDEN",
    EtcdLockFailedError: "LOCKED",
    ClientClosedError: "CLIENT_CLOSED",
    STMConflictError: "TRANSACTION_ABORTED",
    EtcdWatchStreamEnded: "CONNECTION_LOST",
    NotCampaigningError: "CONFLICT",
  },
  keys(error: ErrorShape): readonly string[] {
    const [, said] =
      /etcdserver: (.{1,120}?)(?: is expired or revoked|, possibly due to .*)?$/s.exec(error.message) ?? [];
    if (said !== undefined) return [said];
    // Other clients have classes of the same names, but with codes.
    if (error.get("code") !== undefined) return [];
    // Its classes set no name, and the stack is rewritten to begin with it.
    const constructor = error.child("constructor").text("name");
    return constructor === undefined ? [] : own.filter((name) => name === constructor);
  },
};

const own = [
  "EtcdLockFailedError",
  "ClientClosedError",
  "STMConflictError",
  "EtcdWatchStreamEnded",
  "NotCampaigningError",
];
