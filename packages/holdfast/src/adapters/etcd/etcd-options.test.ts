import { describe, expect, it } from "vitest";
import { checkEtcdOptions, etcdDefaults, type EtcdOptions } from "./etcd-options.ts";

const endpoints = ["127.0.0.1:2379"];

describe("the options of etcdCoordination", () => {
  it.each<[object, string]>([
    [{}, "etcd.endpoints must name at least one endpoint (got undefined)"],
    [{ endpoints: [] }, "etcd.endpoints must name at least one endpoint (got an array of 0)"],
    [{ endpoints: ["127.0.0.1"] }, 'etcd.endpoints must be like http://127.0.0.1:2379 or 127.0.0.1:2379 (got "127.'],
    [{ endpoints: ["ftp://a:1"] }, 'etcd.endpoints must be like http://127.0.0.1:2379 or 127.0.0.1:2379 (got "ftp:'],
    [{ endpoints: ["http://u@a:1"] }, "etcd.endpoints must be like"],
    [{ endpoints: ["http://a:1/v3"] }, "etcd.endpoints must be like"],
    [{ endpoints: ["http://a:1"], tls: {} }, 'etcd.endpoints must not be http:// when tls is given (got "http://a:1")'],
    [{ endpoints, username: "root" }, "etcd.password must come with the other one"],
    [{ endpoints, password: "" }, "etcd.username must come with the other one"],
    [{ endpoints, tls: { cert: "" } }, "etcd.tls.key must come with the other one"],
    [{ endpoints, tls: { key: "" } }, "etcd.tls.cert must come with the other one"],
    [{ endpoints, tls: { CA: "" } }, "etcd.tls.CA is no option; there are ca, cert, key, serverName"],
    [{ endpoints, requestTimeoutMs: 0 }, "etcd.requestTimeoutMs must be an integer >= 1 (got 0)"],
    [{ endpoints, attemptTimeoutMs: 1.5 }, "etcd.attemptTimeoutMs must be an integer >= 1 (got 1.5)"],
    [{ endpoints, connectTimeoutMs: -1 }, "etcd.connectTimeoutMs must be an integer >= 1 (got -1)"],
    [{ endpoints, pingIntervalMs: 4_999 }, "etcd.pingIntervalMs must be an integer >= 5000 (got 4999)"],
    [{ endpoints, pingTimeoutMs: Number.NaN }, "etcd.pingTimeoutMs must be an integer >= 1 (got NaN)"],
    [{ endpoints, identities: 1 }, "etcd.identities must be true or false (got 1)"],
    [{ endpoints, hosts: [] }, "etcd.hosts is no option; there are endpoints, username"],
  ])("%o are refused", (options, message) => {
    expect(() => checkEtcdOptions(options as EtcdOptions)).toThrow(message);
  });

  it("know what is encrypted", () => {
    const read = (options: Partial<EtcdOptions>) => checkEtcdOptions({ endpoints, ...options }).endpoints;
    expect(read({ endpoints: ["http://a:1", "https://b:2/", "[::1]:3"] })).toEqual([
      { host: "a:1", secure: false },
      { host: "b:2", secure: true },
      { host: "[::1]:3", secure: false },
    ]);
    expect(read({ tls: {} })).toEqual([{ host: "127.0.0.1:2379", secure: true }]);
  });

  it("have defaults", () => {
    expect(checkEtcdOptions({ endpoints })).toEqual({
      ...etcdDefaults,
      endpoints: [{ host: "127.0.0.1:2379", secure: false }],
      tls: {},
      credentials: undefined,
    });
  });
});
