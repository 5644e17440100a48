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
    DUPLICATE_KEY: [3, "etcdserver: duplicate key given in txn request"],
    TOO_MANY_OPERATIONS: [3, "etcdserver: too many operations in txn request"],
    REQUEST_TOO_LARGE: [3, "etcdserver: request is too large"],
    INVALID_SORT_OPTION: [3, "etcdserver: invalid sort option"],
    COMPACTED: [11, "etcdserver: mvcc: required revision has been compacted"],
    FUTURE_REVISION: [11, "etcdserver: mvcc: required revision is a future revision"],
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
