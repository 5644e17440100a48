import { grpcCode } from "../grpc/status-code.ts";
import { describe, expect, it } from "vitest";
import { CoordinationError, coordinationErrors, type CoordinationErrorCode } from "holdfast/coordination";
import { InvalidArgumentError } from "holdfast/errors/base";
import { RequestError, statusOf } from "./status.ts";

describe("statusOf", () => {
  // As answered by etcd 3.4.23, except the last, which only Holdfast can say.
  const expected: Record<CoordinationErrorCode, readonly [number, string]> = {
    EMPTY_KEY: [3, "etcdserver: key is not provided"],
    KEY_NOT_FOUND: [3, "etcdserver: key not found"],
    VALUE_PROVIDED: [3, "etcdserver: value is provided"],
    LEASE_PROVIDED: [3, "etcdserver: lease is provided"],
    LEASE_NOT_FOUND: [5, "etcdserver: requested lease not found"],
    LEASE_EXISTS: [9, "etcdserver: lease already exists"],
    LEASE_TTL_TOO_LARGE: [11, "etcdserver: too large lease TTL"],
    TOO_MANY_LEASES: [8, "holdfast: too many leases"],
    DUPLICATE_KEY: [3, "etcdserver: duplicate key given in txn request"],
    TOO_MANY_OPERATIONS: [3, "etcdserver: too many operations in txn request"],
    REQUEST_TOO_LARGE: [3, "etcdserver: request is too large"],
    INVALID_SORT_OPTION: [3, "etcdserver: invalid sort option"],
    COMPACTED: [11, "etcdserver: mvcc: required revision has been compacted"],
    FUTURE_REVISION: [11, "etcdserver: mvcc: required revision is a future revision"],
    ROOT_USER_MISSING: [9, "etcdserver: root user does not exist"],
    ROOT_ROLE_MISSING: [9, "etcdserver: root user does not have root role"],
    USER_EXISTS: [9, "etcdserver: user name already exists"],
    USER_EMPTY: [3, "etcdserver: user name is empty"],
    USER_NOT_FOUND: [9, "etcdserver: user name not found"],
    ROLE_EXISTS: [9, "etcdserver: role name already exists"],
    ROLE_NOT_FOUND: [9, "etcdserver: role name not found"],
    ROLE_EMPTY: [3, "etcdserver: role name is empty"],
    AUTH_FAILED: [3, "etcdserver: authentication failed, invalid user ID or password"],
    PERMISSION_DENIED: [7, "etcdserver: permission denied"],
    ROLE_NOT_GRANTED: [9, "etcdserver: role is not granted to the user"],
    PERMISSION_NOT_GRANTED: [9, "etcdserver: permission is not granted to the role"],
    AUTH_NOT_ENABLED: [9, "etcdserver: authentication is not enabled"],
    INVALID_AUTH_TOKEN: [16, "etcdserver: invalid auth token"],
    INVALID_AUTH_MANAGEMENT: [3, "etcdserver: invalid auth management"],
    AUTH_OLD_REVISION: [3, "etcdserver: revision of auth store is old"],
    MEMBER_NOT_FOUND: [5, "etcdserver: member not found"],
    MEMBER_NOT_LEARNER: [9, "etcdserver: can only promote a learner member"],
    MEMBER_REMOVED: [14, "etcdserver: the member has been permanently removed from the cluster"],
    NOT_AT_LEARNER: [14, "etcdserver: rpc not supported for learner"],
    NOT_AT_WITNESS: [14, "holdfast: a witness holds no state: ask another member"],
    LEARNER_NOT_READY: [9, "etcdserver: can only promote a learner member which is in sync with leader"],
    TOO_MANY_LEARNERS: [9, "etcdserver: too many learner members in cluster"],
    PEER_URL_EXISTS: [9, "etcdserver: Peer URLs already exists"],
    BAD_MEMBER_URLS: [3, "etcdserver: given member URLs are invalid"],
    UNHEALTHY_CLUSTER: [14, "etcdserver: unhealthy cluster"],
    MEMBERS_CHANGED: [9, "holdfast: the members are not those that the change was meant for"],
    NOT_ENOUGH_STARTED: [9, "etcdserver: re-configuration failed due to not enough started members"],
    BAD_LEADER_TRANSFEREE: [9, "etcdserver: bad leader transferee"],
    TRANSFER_FAILED: [14, "etcdserver: request timed out, leader transfer took too long"],
    NO_SPACE: [8, "etcdserver: mvcc: database space exceeded"],
    CORRUPT: [15, "etcdserver: corrupt cluster"],
    NOT_SUPPORTED: [12, "holdfast: a member of this kind does not do this"],
    NO_LEADER: [14, "etcdserver: no leader"],
    TIMED_OUT: [14, "etcdserver: request timed out"],
    TOO_MANY_REQUESTS: [8, "etcdserver: too many requests"],
    STOPPED: [14, "etcdserver: server stopped"],
    SESSION_EXPIRED: [9, "holdfast: the session no longer remembers this request; whether it was applied is unknown"],
  };

  it.each(Object.keys(coordinationErrors) as CoordinationErrorCode[])("maps %s", (code) => {
    const [status, message] = expected[code];
    expect(statusOf(new CoordinationError(code))).toEqual({ code: status, message });
  });

  it("keeps the status of a request that was wrong on the wire", () => {
    expect(statusOf(new RequestError(grpcCode.UNIMPLEMENTED, "not here"))).toEqual({ code: 12, message: "not here" });
  });

  it("tells an invalid argument with its reason", () => {
    expect(statusOf(new InvalidArgumentError("put.lease", "must be small", 7))).toEqual({
      code: 3,
      message: "holdfast: put.lease must be small (got 7)",
    });
  });

  it.each([
    [new TypeError("boom"), "holdfast: internal error: boom"],
    ["text", "holdfast: internal error: text"],
  ])("calls anything else internal", (error, message) => {
    expect(statusOf(error)).toEqual({ code: 13, message });
  });
});
