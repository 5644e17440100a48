import { afterEach, describe, expect, it } from "vitest";
import { toBigInt, type WireInteger } from "../etcd-protocol/index.ts";
import { etcdCoordination, type EtcdCoordination } from "./etcd-coordination.ts";
import type { EtcdOptions } from "./etcd-options.ts";
import { header, ScriptedEtcd, type Script, type ScriptedStream } from "./testing/scripted-etcd.ts";

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function serve(leaseKeepAlive: NonNullable<Script["stream"]>["leaseKeepAlive"]): Promise<ScriptedEtcd> {
  const server = await ScriptedEtcd.start({ stream: { leaseKeepAlive: leaseKeepAlive! } });
  open.push(server);
  return server;
}

function connect(endpoints: readonly string[], options: Partial<EtcdOptions> = {}): EtcdCoordination {
  const store = etcdCoordination({ endpoints, ...options });
  open.push(store);
  return store;
}

/** Answers each keep-alive with a time to live of its own. */
function answer(stream: ScriptedStream, isOver: (id: bigint) => boolean = () => false): void {
  stream.on("data", ({ ID }: { readonly ID: WireInteger }) => {
    const id = toBigInt(ID);
    if (isOver(id)) stream.emit("error", { code: 14, details: "etcdserver: request timed out" });
    else stream.write({ ...header(1), ID, TTL: Number(id % 1000n) });
  });
}

describe("keep-alives", () => {
  it("share one stream", async () => {
    const server = await serve((stream) => answer(stream));
    const store = connect([server.address]);
    const ids = Array.from({ length: 50 }, (_, at) => BigInt(2 ** 40 + 1000 * at + at));
    const answers = await Promise.all(ids.map((id) => store.leaseKeepAlive({ id })));
    expect(answers.map(({ id }) => id)).toEqual(ids);
    expect(answers.map(({ ttlSeconds }) => ttlSeconds)).toEqual(ids.map((id) => Number(id % 1000n)));
    await store.leaseKeepAlive({ id: 5n });
    expect(server.calls).toHaveLength(1);
  });

  it("are repeated on another stream when theirs breaks", async () => {
    const breaking = await serve((stream) => answer(stream, (id) => id === 7n));
    const good = await serve((stream) => answer(stream));
    // Whichever is asked first.
    for (let round = 0; round < 6; round++) {
      const store = connect([breaking.address, good.address]);
      const answers = await Promise.all([6n, 7n, 8n].map((id) => store.leaseKeepAlive({ id })));
      expect(answers.map(({ ttlSeconds }) => ttlSeconds)).toEqual([6, 7, 8]);
    }
    expect(good.calls).toHaveLength(6);
  });

  it("leave a stream that says nothing", async () => {
    const silent = await serve(() => undefined);
    const good = await serve((stream) => answer(stream));
    for (let round = 0; round < 6; round++) {
      const store = connect([silent.address, good.address], { attemptTimeoutMs: 50 });
      expect((await store.leaseKeepAlive({ id: 9n })).ttlSeconds).toBe(9);
    }
  });

  it("give up in the end", async () => {
    const silent = await serve(() => undefined);
    const store = connect([silent.address], { attemptTimeoutMs: 40 });
    await expect(store.leaseKeepAlive({ id: 9n }, { timeoutMs: 600 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(silent.calls.length).toBeGreaterThan(1);
    const nowhere = connect(["127.0.0.1:1"]);
    await expect(nowhere.leaseKeepAlive({ id: 9n }, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "ENDPOINTS_UNREACHABLE",
    });
  });

  it("that wait end with their client, or with an abort", async () => {
    const silent = await serve(() => undefined);
    const store = connect([silent.address]);
    const controller = new AbortController();
    const aborted = store.leaseKeepAlive({ id: 1n }, { signal: controller.signal });
    const waiting = store.leaseKeepAlive({ id: 2n }).catch((error: { code: string }) => error.code);
    while (silent.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await store.close();
    expect(await waiting).toBe("STOPPED");
  });
});
