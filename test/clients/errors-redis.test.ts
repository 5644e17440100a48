import { Cluster, Redis } from "ioredis";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connect, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { startRedis, type RealServer } from "./real-servers.ts";

const redis = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "redis")!);
const clients: Redis[] = [];
let server: RealServer;
let client: Redis;

beforeAll(async () => {
  server = await startRedis("--busy-reply-threshold", "50");
  client = clientOf(server.port);
});

afterAll(async () => {
  for (const each of clients) each.disconnect();
  await server.close();
});

function clientOf(port: number, options: object = {}): Redis {
  const made = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 0, retryStrategy: () => null, ...options });
  made.on("error", () => {});
  clients.push(made);
  return made;
}

async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error("it did not happen within 20 s");
    await delay(10);
  }
}

async function expectRow(key: string, call: () => unknown): Promise<void> {
  redis.expectRow(await caught(call), key);
}

describe("refusals", () => {
  it("of wrong requests", async () => {
    await client.set("text", "x");
    await expectRow("ERR", () => client.incr("text"));
    await expectRow("WRONGTYPE", () => client.lpush("text", "y"));
    await expectRow("ERR unknown command", () => client.call("NOSUCH"));
    await expectRow("NOSCRIPT", () => client.evalsha("0".repeat(40), 0));
    await expectRow("NOTBUSY", () => client.call("SCRIPT", "KILL"));
    await client.multi({ pipeline: false });
    await caught(() => client.call("SET", "only-a-key"));
    await expectRow("EXECABORT", () => client.exec());
  });

  it("of groups of streams", async () => {
    await expectRow("NOGROUP", () => client.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"));
    await client.xgroup("CREATE", "s", "g", "$", "MKSTREAM");
    await expectRow("BUSYGROUP", () => client.xgroup("CREATE", "s", "g", "$"));
  });

  it("without memory", async () => {
    await client.config("SET", "maxmemory", "1");
    await expectRow("OOM", () => client.set("a", "x"));
    await client.config("SET", "maxmemory", "0");
  });

  it("without replicas, and of a replica", async () => {
    await client.config("SET", "min-replicas-to-write", "1");
    await expectRow("NOREPLICAS", () => client.set("a", "x"));
    await client.config("SET", "min-replicas-to-write", "0");
    await client.replicaof("127.0.0.1", "9");
    await expectRow("READONLY", () => client.set("a", "x"));
    await client.config("SET", "replica-serve-stale-data", "no");
    await expectRow("MASTERDOWN", () => client.get("a"));
    await client.replicaof("NO", "ONE");
    await client.config("SET", "replica-serve-stale-data", "yes");
  });

  it("without rights", async () => {
    await client.call("ACL", "SETUSER", "guest", "on", ">secret", "~*", "-@all", "+get");
    await expectRow("WRONGPASS", () => client.call("AUTH", "guest", "wrong"));
    const guest = clientOf(server.port, { username: "guest", password: "secret", enableReadyCheck: false });
    await expectRow("NOPERM", () => guest.set("a", "x"));
    guest.disconnect();
    const locked = await startRedis("--requirepass", "secret");
    const stranger = clientOf(locked.port, { enableReadyCheck: false });
    await expectRow("NOAUTH", () => stranger.get("a"));
    stranger.disconnect();
    await locked.close();
  });

  it("while a script runs", async () => {
    const other = clientOf(server.port);
    await other.ping();
    const running = caught(() =>
      client.eval(
        "redis.call('set', 'b', 'x') while redis.call('time')[1] + 0 < tonumber(ARGV[1]) do end",
        0,
        Math.ceil(Date.now() / 1000) + 2,
      ),
    );
    await untilTrue(() =>
      other.get("a").then(
        () => false,
        () => true,
      ),
    );
    await expectRow("BUSY", () => other.get("a"));
    await expectRow("UNKILLABLE", () => other.call("SCRIPT", "KILL"));
    await running.catch(() => {});
    other.disconnect();
  });

  it("of one client too many", async () => {
    const narrow = await startRedis("--maxclients", "1");
    onTestFinished(() => narrow.close());
    // Whoever found it listening may be counted still, and a client that is turned away does not come again.
    let first = clientOf(narrow.port);
    await untilTrue(async () => {
      const served = await first.ping().catch(() => undefined);
      if (served === undefined) first = clientOf(narrow.port);
      return served !== undefined;
    });
    // It passes on what the server says, and not what it is told: the server does not listen any more.
    const relay = createServer((socket) => {
      const onward = connect(narrow.port, "127.0.0.1").on("error", () => {});
      onward.pipe(socket.on("error", () => {}).resume());
    });
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    const second = clientOf((relay.address() as AddressInfo).port, {
      protocol: 2,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    const failure = redis.expectRow(await caught(() => second.get("a")), "ERR max number of clients reached");
    expect([failure.kind, failure.retryable]).toEqual(["resource", true]);
    first.disconnect();
    relay.close();
  });

  it("of a cluster", async () => {
    const [one, two] = await Promise.all([1, 2].map(() => startRedis("--cluster-enabled", "yes")));
    const [first, second] = [clientOf(one!.port), clientOf(two!.port)];
    await expectRow("CLUSTERDOWN", () => first.get("a"));
    // `b` is in slot 3300, `a` in 15495.
    await first.call("CLUSTER", "ADDSLOTSRANGE", "0", "10000");
    await second.call("CLUSTER", "SET-CONFIG-EPOCH", "2");
    await second.call("CLUSTER", "ADDSLOTSRANGE", "10001", "16383");
    await first.call("CLUSTER", "MEET", "127.0.0.1", two!.port);
    await untilTrue(async () => /cluster_state:ok/.test(String(await first.call("CLUSTER", "INFO"))));
    await expectRow("CROSSSLOT", () => first.mget("a", "b"));
    await expectRow("MOVED", () => first.get("a"));
    await first.set("{b}1", "x");
    await first.call("CLUSTER", "SETSLOT", "3300", "MIGRATING", String(await second.call("CLUSTER", "MYID")));
    await expectRow("ASK", () => first.get("{b}2"));
    await expectRow("TRYAGAIN", () => first.mget("{b}1", "{b}2"));
    first.disconnect();
    second.disconnect();
    await Promise.all([one!.close(), two!.close()]);
  });

  it("that cannot save, and while it loads", async () => {
    const saving = await startRedis("--enable-protected-configs", "yes", "--enable-debug-command", "yes");
    const asked = clientOf(saving.port);
    const other = clientOf(saving.port);
    const value = "x".repeat(2000);
    await Promise.all(Array.from({ length: 200 }, (_, at) => asked.set(`k${at}`, value)));
    await asked.config("SET", "loading-process-events-interval-bytes", "1024");
    await asked.config("SET", "key-load-delay", "5000");
    await other.ping();
    const reloading = asked.call("DEBUG", "RELOAD").catch(() => {});
    let error: unknown;
    await untilTrue(async () => {
      error = await other.get("k1").then(
        () => undefined,
        (refused: unknown) => refused,
      );
      return error !== undefined;
    });
    redis.expectRow(error, "LOADING");
    await reloading;
    await asked.config("SET", "save", "3600 1");
    await asked.config("SET", "dir", "/proc");
    await asked.call("BGSAVE");
    await untilTrue(async () => /rdb_last_bgsave_status:err/.test(await asked.info("persistence")));
    await expectRow("MISCONF", () => asked.set("a", "x"));
    asked.disconnect();
    other.disconnect();
    await saving.close();
  });
});

describe("the client's own", () => {
  it("a time limit, when the server stands still", async () => {
    const hasty = clientOf(server.port, { commandTimeout: 50 });
    await hasty.ping();
    server.process.kill("SIGSTOP");
    const error = await caught(() => hasty.get("a"));
    server.process.kill("SIGCONT");
    const failure = redis.expectRow(error, "Command timed out");
    expect([failure.kind, failure.effect]).toEqual(["timeout", "unknown"]);
    hasty.disconnect();
  });

  it("a socket that is silent", async () => {
    const hasty = clientOf(server.port, { socketTimeout: 50 });
    await hasty.ping();
    const failed = once(hasty, "error");
    server.process.kill("SIGSTOP");
    void hasty.get("a").catch(() => {});
    const [error] = (await failed) as unknown[];
    server.process.kill("SIGCONT");
    redis.expectRow(error, "Socket timeout");
    hasty.disconnect();
  });

  it("no queue while it is not connected", async () => {
    const eager = clientOf(server.port, { enableOfflineQueue: false });
    await expectRow("Stream isn't writeable and enableOfflineQueue options is false", () => eager.get("a"));
    eager.disconnect();
  });

  it("a server that was killed", async () => {
    const doomed = await startRedis();
    const asked = clientOf(doomed.port);
    await asked.ping();
    const blocked = caught(() => asked.blpop("none", 0));
    await doomed.close();
    const error = await blocked;
    const rule = classify(error).rule ?? "";
    redis.expectRow(error, rule.replace("redis ", ""));
    expect(classify(error)).toMatchObject({ code: "CONNECTION_LOST", kind: "network", effect: "unknown" });
    const late = clientOf(doomed.port);
    expect(classify(await caught(() => late.get("a"))).kind).toBe("network");
    await expectRow("Connection is closed.", () => late.get("a"));
    const retried = clientOf(doomed.port, { retryStrategy: () => 5, maxRetriesPerRequest: 1 });
    await expectRow("MaxRetriesPerRequestError", () => retried.get("a"));
    retried.disconnect();
  });

  it("a server that is none", async () => {
    const nonsense = createServer((socket) => socket.on("error", () => {}).end("this is no Redis\r\n"));
    nonsense.listen(0, "127.0.0.1");
    await once(nonsense, "listening");
    const asked = clientOf((nonsense.address() as AddressInfo).port, { lazyConnect: true });
    const failed = once(asked, "error");
    await asked.connect().catch(() => {});
    const [error] = (await failed) as unknown[];
    asked.disconnect();
    nonsense.close();
    redis.expectRow(error, "Unknown RESP type");
  });
});

it("a cluster of which nobody answers", async () => {
  const lonely = new Cluster([{ host: "127.0.0.1", port: 9 }], { clusterRetryStrategy: () => null, lazyConnect: true });
  const failed = once(lonely, "error");
  await lonely.connect().catch(() => {});
  const [error] = (await failed) as unknown[];
  lonely.disconnect();
  redis.expectRow(error, "ClusterAllFailedError");
});

it("every row was provoked, or is listed as one that cannot be", () => redis.expectAll());
