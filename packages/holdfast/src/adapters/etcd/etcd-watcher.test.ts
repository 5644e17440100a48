import { afterEach, describe, expect, it } from "vitest";
import type { WatchResponse } from "../../coordination/index.ts";
import { fromBigInt, type WireMessage } from "../etcd-protocol/index.ts";
import { etcdCoordination, type EtcdCoordination } from "./etcd-coordination.ts";
import type { EtcdOptions } from "./etcd-options.ts";
import { header, ScriptedEtcd, type Script, type ScriptedStream } from "./testing/scripted-etcd.ts";

const key = new TextEncoder().encode("k");

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function serve(script: Script): Promise<ScriptedEtcd> {
  const server = await ScriptedEtcd.start(script);
  open.push(server);
  return server;
}

function connect(endpoints: readonly string[], options: Partial<EtcdOptions> = {}): EtcdCoordination {
  const store = etcdCoordination({ endpoints, ...options });
  open.push(store);
  return store;
}

function created(revision: number): WireMessage {
  return { ...header(revision), created: true };
}

/** One put a revision. */
function events(...revisions: readonly number[]): WireMessage {
  return {
    ...header(revisions.at(-1)! + 50),
    events: revisions.map((revision) => ({ kv: { key, mod_revision: revision, create_revision: 1, version: 1 } })),
  };
}

interface CreateRequest {
  readonly start_revision: unknown;
  readonly filters: readonly number[];
}

/** The first message of a stream, which creates the watch. */
function creation(stream: ScriptedStream): Promise<CreateRequest> {
  return new Promise((resolve) => {
    stream.once("data", (message: { readonly create_request: CreateRequest }) => resolve(message.create_request));
  });
}

function revisions(response: WatchResponse | undefined): number[] {
  return response?.events.map(({ pair }) => pair.modRevision) ?? [];
}

describe("a watch over gRPC", () => {
  it("goes on at the next revision when its stream breaks, on another endpoint or the same", async () => {
    const starts: string[] = [];
    const script = (own: string): Script => ({
      stream: {
        async watch(stream, count) {
          const { start_revision } = await creation(stream);
          starts.push(`${own}${count} ${String(start_revision)}`);
          stream.write(created(10));
          if (starts.length === 1) {
            stream.write(events(11, 12));
            stream.emit("error", { code: 14, details: "etcdserver: server stopped" });
          } else if (starts.length === 2) {
            stream.write({ ...events(13), watch_id: 0 });
            stream.write({ ...header(20), watch_id: 0 });
            stream.end();
          } else {
            stream.write(events(21));
          }
        },
      },
    });
    const servers = [await serve(script("a")), await serve(script("b"))];
    const store = connect(servers.map(({ address }) => address));
    const watcher = await store.watch({ key });
    expect(watcher).toMatchObject({ startRevision: 11, header: { revision: 10 } });
    const told = [];
    for (let count = 0; count < 4; count++) told.push((await watcher.next()).value);
    expect(told.map(revisions)).toEqual([[11, 12], [13], [], [21]]);
    expect(told.map((response) => response?.header.revision)).toEqual([12, 13, 20, 21]);
    expect(told[2]).toMatchObject({ progress: true });
    // Each break is followed by the other endpoint, and by the first revision that was not told.
    const order = starts[0]!.startsWith("a") ? ["a1 0", "b1 13", "a2 21"] : ["b1 0", "a1 13", "b2 21"];
    expect(starts).toEqual(order);
  });

  it("is started by another endpoint when one does not answer", async () => {
    const silent = await serve({ stream: { watch: () => undefined } });
    const good = await serve({ stream: { watch: (stream) => void stream.write(created(3)) } });
    for (let round = 0; round < 6; round++) {
      const store = connect([silent.address, good.address], { attemptTimeoutMs: 60 });
      await store.watch({ key });
    }
    expect(good.calls).toHaveLength(6);
  });

  it("is refused after its time where nobody answers, or nobody is", async () => {
    const silent = await serve({ stream: { watch: () => undefined } });
    const options = { attemptTimeoutMs: 40, requestTimeoutMs: 120 };
    await expect(connect(["127.0.0.1:1"], options).watch({ key })).rejects.toMatchObject({
      code: "ENDPOINTS_UNREACHABLE",
    });
    await expect(connect([silent.address], options).watch({ key })).rejects.toMatchObject({ code: "TIMED_OUT" });
  });

  it("ends with what the server ends it for", async () => {
    const reasons: WireMessage[] = [
      { canceled: true, compact_revision: 9 },
      { canceled: true, cancel_reason: "etcdserver: permission denied" },
      { canceled: true, cancel_reason: "etcdserver: mvcc: something new" },
    ];
    const server = await serve({
      stream: {
        watch(stream, count) {
          stream.write(created(3));
          stream.write(events(4));
          stream.write({ ...header(5), ...reasons[count - 1] });
        },
      },
    });
    const store = connect([server.address]);
    const compacted = await store.watch({ key });
    expect(revisions((await compacted.next()).value)).toEqual([4]);
    expect((await compacted.next()).value).toMatchObject({
      canceled: true,
      cancelReason: "COMPACTED",
      compactRevision: 9,
    });
    expect(await compacted.next()).toEqual({ done: true, value: undefined });
    for (const expected of [
      { code: "PERMISSION_DENIED" },
      { code: "ETCD_STATUS", message: "the watch was ended: etcdserver: mvcc: something new" },
    ]) {
      const watcher = await store.watch({ key });
      const pulls = [await watcher.next(), watcher.next()] as const;
      expect(revisions(pulls[0].value)).toEqual([4]);
      await expect(pulls[1]).rejects.toMatchObject(expected);
      expect((await watcher.next()).done).toBe(true);
    }
  });

  it("that requires a leader ends when no endpoint has one", async () => {
    const leaderless = { code: 14, details: "etcdserver: no leader" };
    const seen: unknown[] = [];
    const script: Script = {
      stream: {
        watch(stream, count) {
          seen.push(stream.metadata.getMap()["hasleader"]);
          if (count === 1) stream.write(created(3));
          stream.emit("error", leaderless);
        },
      },
    };
    const one = await serve(script);
    const watcher = await connect([one.address]).watch({ key }, { requireLeader: true });
    expect((await watcher.next()).value).toMatchObject({ canceled: true, cancelReason: "NO_LEADER" });
    expect(seen).toEqual(["true", "true"]);
    await expect(connect([one.address]).watch({ key }, { requireLeader: true })).rejects.toMatchObject({
      code: "NO_LEADER",
    });
  });

  it("asks for a new token when it is refused, once", async () => {
    const denied = { ...header(3), created: true, canceled: true, cancel_reason: "etcdserver: permission denied" };
    const server = await serve({
      unary: { authenticate: (count) => ({ ...header(1), token: `t${count}` }) },
      stream: {
        watch(stream) {
          stream.write(stream.metadata.getMap()["token"] === "t2" ? created(3) : denied);
        },
      },
    });
    const credentials = { username: "root", password: "secret" };
    const store = connect([server.address], credentials);
    await store.watch({ key });
    await store.watch({ key });
    expect(server.called).toBe("authenticate,watch,authenticate,watch,watch");
    await expect(connect([server.address]).watch({ key })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  it("holds the server back while it is not pulled, and gets all of it afterwards", async () => {
    const count = 400;
    let sent = 0;
    const value = new Uint8Array(20_000);
    const server = await serve({
      stream: {
        async watch(stream) {
          stream.write(created(0));
          for (let revision = 1; revision <= count; revision++) {
            const kv = { key, value, mod_revision: revision, create_revision: 1, version: 1 };
            const more = stream.write({ ...header(revision), events: [{ kv }] });
            sent = revision;
            if (!more) await new Promise((resolve) => stream.once("drain", resolve));
          }
        },
      },
    });
    const watcher = await connect([server.address]).watch({ key });
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(sent).toBeLessThan(count / 2);
    const told: number[] = [];
    while (told.length < count) told.push(...revisions((await watcher.next()).value));
    expect(told).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  });

  it("asks again how far it is when the stream breaks before the answer", async () => {
    const server = await serve({
      stream: {
        watch(stream, count) {
          stream.on("data", (message: { readonly progress_request: object | null }) => {
            if (message.progress_request === null) stream.write(created(3));
            else if (count === 1) stream.emit("error", { code: 14, details: "gone" });
            else stream.write({ ...header(8), watch_id: fromBigInt(-1n) });
          });
        },
      },
    });
    const watcher = await connect([server.address]).watch({ key });
    watcher.requestProgress();
    expect((await watcher.next()).value).toMatchObject({ progress: true, header: { revision: 8 } });
    expect(server.calls).toHaveLength(2);
  });

  it("ends with its client", async () => {
    const server = await serve({ stream: { watch: (stream) => void stream.write(created(3)) } });
    const store = connect([server.address]);
    const watchers = [await store.watch({ key }), await store.watch({ key })] as const;
    const pulled = watchers[0].next();
    await store.close();
    expect((await pulled).value).toMatchObject({ canceled: true, cancelReason: "STOPPED" });
    expect((await watchers[1].next()).value).toMatchObject({ canceled: true, cancelReason: "STOPPED" });
    expect((await watchers[1].next()).done).toBe(true);
  });

  it.each([
    [{ key, startRevision: -1 }, "watch.startRevision must be a safe integer >= 0 (got -1)"],
    [{ key, maxBytes: 0 }, "watch.maxBytes must be a safe integer >= 1 (got 0)"],
    [{ key, rangeEnd: key }, 'watch.rangeEnd must be above the key (got "k")'],
  ])("is refused when it makes no sense (%o)", async (request, message) => {
    await expect(connect(["127.0.0.1:1"]).watch(request)).rejects.toThrow(message);
  });
});
