import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { codeOfText, isLost, lacksToken, toError } from "./etcd-error.ts";

function serviceError(code: number, details: string): ServiceError {
  const error: unknown = Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: new Metadata() });
  return error as ServiceError;
}

describe("errors of etcd", () => {
  // As etcd 3.4 and later say it.
  it.each([
    ["etcdserver: key is not provided", "EMPTY_KEY"],
    ["etcdserver: duplicate key given in txn request", "DUPLICATE_KEY"],
    ["etcdserver: mvcc: required revision has been compacted", "COMPACTED"],
    ["etcdserver: mvcc: required revision is a future revision", "FUTURE_REVISION"],
    ["etcdserver: requested lease not found", "LEASE_NOT_FOUND"],
    ["etcdserver: request timed out", "TIMED_OUT"],
    ["etcdserver: request timed out, possibly due to previous leader failure", "TIMED_OUT"],
    ["etcdserver: leader changed", "TIMED_OUT"],
    ["etcdserver: no leader", "NO_LEADER"],
    ["etcdserver: revision of auth store is old", "AUTH_OLD_REVISION"],
    ["etcdserver: invalid auth token", "INVALID_AUTH_TOKEN"],
    ["etcdserver: permission denied", "PERMISSION_DENIED"],
    ["holdfast: too many leases", "TOO_MANY_LEASES"],
    ["grpc: received message larger than max (9 vs. 5)", "REQUEST_TOO_LARGE"],
    ["etcdserver: not in the model", undefined],
    ["key is not provided", undefined],
  ])("%s", (text, code) => {
    expect(codeOfText(text)).toBe(code);
  });

  it("leave the outcome of a write open when the connection broke or the server stopped", () => {
    const broken = serviceError(14, "Connection dropped");
    const stopped = serviceError(14, "etcdserver: server stopped");
    expect(toError(broken, true)).toMatchObject({ code: "TIMED_OUT", retryable: false, cause: broken });
    expect(toError(stopped, true)).toMatchObject({ code: "TIMED_OUT", cause: stopped });
    expect(toError(stopped, false)).toMatchObject({ code: "STOPPED", retryable: true });
    expect(toError(serviceError(14, "etcdserver: no leader"), true)).toMatchObject({ code: "NO_LEADER" });
  });

  it("keep what the model has no word for", () => {
    const error = toError(serviceError(8, "etcdserver: not in the model"), true);
    expect(error).toMatchObject({
      name: "EtcdError",
      code: "ETCD_STATUS",
      status: 8,
      kind: "resource",
      message: "etcdserver: not in the model",
    });
    expect(toError(serviceError(14, "etcdserver: not in the model"), false)).toMatchObject({ kind: "network" });
    expect(toError(serviceError(13, "panic"), true)).toMatchObject({ code: "ETCD_STATUS", kind: "system" });
    expect(toError(serviceError(12, "unknown method"), true)).toMatchObject({ code: "ETCD_STATUS", kind: "business" });
  });

  it("say whether another endpoint may do better", () => {
    const lost = [
      serviceError(14, "Connection dropped"),
      serviceError(4, "Deadline exceeded"),
      serviceError(1, "Call cancelled"),
      serviceError(13, "Received RST_STREAM with code 2 (Internal server error)"),
    ];
    for (const error of lost) expect(isLost(error), error.message).toBe(true);
    for (const [code, details] of [
      [13, "panic"],
      [3, "etcdserver: key is not provided"],
      [8, "etcdserver: too many requests"],
    ] as const) {
      expect(isLost(serviceError(code, details)), details).toBe(false);
    }
  });

  it("say whether a new token may help", () => {
    expect(lacksToken(serviceError(16, "etcdserver: invalid auth token"))).toBe(true);
    expect(lacksToken(serviceError(3, "etcdserver: revision of auth store is old"))).toBe(true);
    expect(lacksToken(serviceError(3, "etcdserver: user name is empty"))).toBe(true);
    expect(lacksToken(serviceError(7, "etcdserver: permission denied"))).toBe(false);
  });
});
