import { Redis } from "ioredis";
import type { JsonValue, StepContext } from "holdfast/recovery";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheClear } from "../../packages/holdfast/src/adapters/redis/index.ts";
import { startRedis, type RealServer } from "./real-servers.ts";

const opened: { close(): Promise<unknown> }[] = [];
let server: RealServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = open(server);
});

afterAll(async () => {
  for (const each of opened.reverse()) await each.close();
  await server.close();
});

function open({ port }: RealServer, options: object = {}): Redis {
  const client = new Redis({ port, host: "127.0.0.1", ...options });
  opened.push({ close: async () => client.disconnect() });
  return client;
}

function contextOf(
  parameters: { readonly [name: string]: JsonValue },
  signal: AbortSignal = new AbortController().signal,
): StepContext {
  const names = { planId: "p", executionId: "e", stepId: "s", idempotencyKey: "e/s" };
  return { ...names, attempt: 1, fencingToken: 1, outputs: new Map(), parameters, signal };
}

/** Calls of each command that the server has counted. */
async function commands(): Promise<Map<string, number>> {
  const told = await redis.info("commandstats");
  return new Map(
    [...told.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name = "", calls]) => [name, Number(calls)]),
  );
}

async function fill(prefix: string, count: number): Promise<void> {
  const script = "for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. i, i) end";
  for (let at = 0; at < count; at += 10_000) {
    await redis.eval(script, 0, `${prefix}${at}:`, Math.min(10_000, count - at));
  }
}

describe("clearing a cache", () => {
  it("removes 200 000 keys of a prefix while others are answered at once", async () => {
    await fill("page:", 200_000);
    await fill("session:", 1_000);
    await redis.config("RESETSTAT");
    const pings = open(server);
    await pings.ping();
    const timed = async (goesOn: (count: number) => boolean): Promise<number[]> => {
      const tookMs: number[] = [];
      while (goesOn(tookMs.length)) {
        const beganMs = performance.now();
        await pings.ping();
        tookMs.push(performance.now() - beganMs);
      }
      return tookMs.toSorted((left, right) => left - right);
    };
    const p99 = (tookMs: readonly number[]): number => tookMs[Math.floor(tookMs.length * 0.99)]!;
    // What a busy machine adds by itself.
    const usualMs = p99(await timed((count) => count < 2_000));
    const over = new AbortController();
    const pinging = timed(() => !over.signal.aborted);
    const clear = cacheClear({ client: redis, keysPerSecond: 400_000 });
    const output = (await clear.run(contextOf({ prefix: "page:" }))) as { removed: number; batches: number };
    over.abort();
    const tookMs = await pinging;
    expect(output.removed).toBe(200_000);
    expect(output.batches).toBeGreaterThan(100);
    expect(await redis.dbsize()).toBe(1_000);
    expect(tookMs.length).toBeGreaterThan(500);
    expect(p99(tookMs)).toBeLessThan(20 + usualMs);
    const used = await commands();
    expect(used.get("scan")).toBe(output.batches);
    expect([...used.keys()].filter((name) => /^(?:keys|flush|del)/.test(name))).toEqual([]);
    expect(await clear.run(contextOf({ prefix: "page:" }))).toMatchObject({ removed: 0 });
  });

  it("takes a prefix as it is, not as a pattern", async () => {
    await redis.flushall();
    const names = ["a*b:1", "axb:1", "a[x]b:1", "a\\b:1", "a?b:1", "axxb:1"];
    for (const name of names) await redis.set(name, "1");
    const clear = cacheClear({ client: redis });
    for (const prefix of ["a*b:", "a[x]b:", "a\\b:", "a?b:"]) {
      expect(await clear.run(contextOf({ prefix }))).toMatchObject({ removed: 1 });
    }
    expect((await redis.keys("*")).toSorted()).toEqual(["axb:1", "axxb:1"]);
    expect(clear.check!({})).toBe("must have either prefix or everything: true");
    expect(clear.parameters!["prefix"]!.check!("")).toBe("must not be empty; say everything: true");
    expect(await clear.run(contextOf({ everything: true }))).toMatchObject({ removed: 2 });
    expect(() => cacheClear({ client: open(server, { keyPrefix: "app:" }) })).toThrow("without a keyPrefix of its own");
  });

  it("keeps to its rate, and ends when it is told to", async () => {
    await redis.flushall();
    await fill("page:", 10_000);
    const clear = cacheClear({ client: redis, batch: 100, keysPerSecond: 10_000 });
    const controller = new AbortController();
    const running = clear.run(contextOf({ prefix: "page:" }, controller.signal)) as Promise<unknown>;
    running.catch(() => undefined);
    const beganMs = performance.now();
    while ((await redis.dbsize()) > 8_000) await new Promise((resolve) => setImmediate(resolve));
    // 2 000 keys looked at and removed, 10 000 a second.
    expect(performance.now() - beganMs).toBeGreaterThan(300);
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(await redis.dbsize()).toBeGreaterThan(5_000);
  });

  it("works on each primary of a cluster, where the keys of a batch are of many slots", async () => {
    const node = await startRedis("--cluster-enabled", "yes");
    opened.push({ close: () => node.close() });
    const client = open(node);
    await client.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    while (!String(await client.call("CLUSTER", "INFO")).includes("cluster_state:ok"));
    await Promise.all(Array.from({ length: 500 }, (_, at) => client.set(`page:${at}`, "1")));
    await client.set("other", "1");
    await expect(client.unlink("page:1", "page:2")).rejects.toThrow("CROSSSLOT");
    const clear = cacheClear({ nodes: () => [client] });
    expect(await clear.run(contextOf({ prefix: "page:" }))).toMatchObject({ removed: 500 });
    expect(await client.dbsize()).toBe(1);
  });
});
