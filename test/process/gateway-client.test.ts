import { afterAll, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { startCluster, startEtcd } from "../clients/endpoint.ts";
import { run } from "./holdfast-command.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe.each([
  ["a follower of a Holdfast cluster", async () => (await startCluster()).follower],
  ["etcd", startEtcd],
])("against %s", async (_, startServer) => {
  const server = await startServer();
  const url = `http://${server.client}`;
  afterAll(() => server.close());

  it("the client reads, writes, compares and is refused alike", async () => {
    const kv = gatewayClient({ endpoints: [url] });
    const first = await kv.put({ key: bytes("k"), value: bytes("1") });
    expect((await kv.put({ key: bytes("k"), value: bytes("2"), previousPair: true })).previousPair?.version).toBe(1);
    const swap = await kv.txn({
      compare: [
        { key: bytes("k"), target: "value", result: "equal", operand: bytes("2") },
        { key: bytes("k"), target: "version", result: "greater", operand: 1 },
        { key: bytes("none"), target: "create", result: "equal", operand: 0 },
      ],
      success: [{ type: "put", request: { key: bytes("k"), value: bytes("3") } }],
      failure: [{ type: "range", request: { key: bytes("k") } }],
    });
    expect([swap.succeeded, swap.header.revision - first.header.revision]).toEqual([true, 2]);
    const { pairs } = await kv.range({ key: bytes("k") });
    expect(pairs[0]).toMatchObject({ createRevision: first.header.revision, version: 3 });
    const old = await kv.range({ key: bytes("k"), revision: first.header.revision });
    expect(Buffer.from(old.pairs[0]?.value ?? []).toString()).toBe("1");
    await expect(kv.range({ key: bytes("k"), revision: 1_000_000 })).rejects.toMatchObject({ code: "FUTURE_REVISION" });
    await expect(kv.put({ key: bytes(""), value: bytes("x") })).rejects.toMatchObject({ code: "EMPTY_KEY" });
    expect((await kv.deleteRange({ key: bytes("k"), previousPairs: true })).previousPairs).toHaveLength(1);
    kv.close();
  });

  it("the commands do, too", async () => {
    const environment = { HOLDFAST_ENDPOINTS: url };
    for (const [key, value] of [
      ["dir/a", "1"],
      ["dir/b", "2"],
    ] as const) {
      expect((await run(["put", key, value], environment)).code).toBe(0);
    }
    expect((await run(["get", "dir/", "--prefix"], environment)).stdout).toBe("dir/a\t1\ndir/b\t2\n");
    const limited = await run(["get", "dir/", "--prefix", "--limit", "1", "--keys-only", "--json"], environment);
    expect(JSON.parse(limited.stdout)).toMatchObject({ count: 2, more: true, pairs: [{ key: "dir/a", version: 1 }] });
    expect((await run(["get", "dir/a", "--rev", "1000000"], environment)).code).toBe(1);
    expect((await run(["del", "dir/", "--prefix", "--json"], environment)).stdout).toMatch(/"deleted":2/);
    expect((await run(["del", "dir/a"], environment)).code).toBe(1);
  });
});
