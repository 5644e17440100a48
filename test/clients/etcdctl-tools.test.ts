import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRealCluster } from "../process/real-cluster.ts";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl, type Run } from "./etcdctl.ts";
import { RunningEtcdctl } from "./running-etcdctl.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;
/** Of one member, as etcd's cluster is. */
let alone: Endpoint;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd, alone] = await Promise.all([startCluster(), startEtcd(), startAlone()]);
  await Promise.all([etcd, alone].map((endpoint) => etcdctl(endpoint, ["put", "some", "thing"])));
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close(), alone?.close()]);
});

async function startAlone(): Promise<Endpoint> {
  const cluster = await startRealCluster(1);
  return { client: new URL(cluster.urls[0]!).host, close: () => cluster.close() };
}

/** Without what differs between any two clusters: ids, sizes, times, and revisions, as the tests run side by side. */
function plain(text: string): string {
  return (
    text
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:*")
      .replaceAll(/"(ClusterID|MemberID|RaftTerm|DBSize|Leader|RaftIndex|RaftAppliedIndex|Hash|ID)" : \d+/g, '"$1" : *')
      .replaceAll(/"(cluster_id|member_id|raft_term|hash|dbSize|dbSizeInUse|leader|raftTerm)":\d+/g, '"$1":*')
      .replaceAll(/"(raftIndex|raftAppliedIndex|revision|compact_revision)":\d+/g, '"$1":*')
      .replaceAll(/\b[0-9a-f]{12,16}\b/g, "ID")
      .replaceAll(/(notify: |revision |REVISION=|"Revision" : )\d+/g, "$1*")
      .replaceAll(/\b[\d.]+[mµ]?s\b/g, "TIME")
      .replaceAll(/[\d.]+ (?:[kM]?B|MB)\b/g, "SIZE")
      .replaceAll(/"Name" : "\w+"/g, '"Name" : *')
      // Cells of tables are as wide as what is in them.
      .replaceAll(/^\|.*\|$/gm, (row) => row.replaceAll(/ (?:real|n1|\d+) /g, " * "))
      .replaceAll(/-{3,}/g, "--")
      .replaceAll(/ +/g, " ")
  );
}

const onBoth = async <T>(act: (endpoint: Endpoint, which: number) => Promise<T>): Promise<readonly [T, T]> =>
  await Promise.all([act(holdfast.next(), 0), act(etcd, 1)]);

async function expectAlike(line: string): Promise<Run> {
  const [ours, theirs] = await onBoth((endpoint) => etcdctl(endpoint, line.split(" ")));
  const same = ({ exitCode, stdout, error }: Run): object => ({ exitCode, stdout: plain(stdout), error: plain(error) });
  expect(same(ours), line).toEqual(same(theirs));
  return theirs;
}

describe("etcdctl make-mirror", () => {
  async function keysOf(endpoint: Endpoint, prefix: string): Promise<string> {
    return (await etcdctl(endpoint, ["get", "--prefix", prefix])).stdout;
  }

  async function untilKeys(endpoint: Endpoint, prefix: string, expected: string): Promise<void> {
    const giveUpAt = performance.now() + 20_000;
    while ((await keysOf(endpoint, prefix)) !== expected) {
      if (performance.now() > giveUpAt) expect(await keysOf(endpoint, prefix)).toBe(expected);
      await delay(20);
    }
  }

  it.concurrent.each<[string, () => readonly [Endpoint, Endpoint]]>([
    ["into etcd", () => [holdfast.follower, etcd]],
    ["into Holdfast", () => [etcd, holdfast.follower]],
    ["into itself", () => [holdfast.leader, holdfast.follower]],
  ])("%s: what is there, and all that happens", async (name, choose) => {
    const [from, to] = choose();
    const [source, copy] = [`${name}/source/`, `${name}/copy/`];
    const line = (...rest: string[]): Promise<Run> => etcdctl(from, rest);
    for (const [at, value] of ["a", "b", "c"].entries()) await line("put", `${source}${at}`, value);
    await line("put", `${source}0`, "again");
    const mirror = new RunningEtcdctl(from, ["make-mirror", `--prefix=${source}`, `--dest-prefix=${copy}`, to.client]);
    try {
      await untilKeys(to, copy, `${copy}0\nagain\n${copy}1\nb\n${copy}2\nc\n`);
      await line("put", `${source}3`, "d");
      await line("del", `${source}1`);
      await etcdctl(from, ["txn"], `\nput "${source}4" e\nput "${source}5" f\ndel "${source}2"\n\n\n`);
      await untilKeys(to, copy, `${copy}0\nagain\n${copy}3\nd\n${copy}4\ne\n${copy}5\nf\n`);
    } finally {
      mirror.kill();
    }
  });
});

describe("etcdctl watch with somebody at the terminal", () => {
  it.concurrent("takes one command after the other", async () => {
    const sessions = await onBoth(async (endpoint) => {
      const session = new RunningEtcdctl(endpoint, ["watch", "-i"]);
      const put = (key: string, value: string): Promise<Run> => etcdctl(endpoint, ["put", key, value]);
      await put("typed/old", "first");
      session.write("watch typed/old --rev=1\n");
      await session.untilPrinted(/typed\/old\nfirst/);
      session.write("progress\n");
      await session.untilPrinted(/progress notify: \d/);
      session.write("watch --prefix typed/run/ -- echo it ran\n");
      // It says nothing when it has begun to watch: until the first comes, another put may be one that it missed.
      for (let seen = false; !seen; seen = /it ran/.test(session.printed)) {
        await put("typed/run/1", "x");
        await delay(50);
      }
      session.write('watch "typed/a key" --prev-kv\n');
      for (let seen = false; !seen; seen = /last\nPUT/.test(session.printed)) {
        await put("typed/a key", "last");
        await delay(50);
      }
      for (const wrong of ["frob", "watch", "watch --rev=x a"]) session.write(`${wrong}\n`);
      await session.untilPrinted(/--rev=x/);
      session.end();
      return { exitCode: await session.exitCode, printed: once(session.printed) };
    });
    expect(sessions[0]).toEqual(sessions[1]);
    expect(sessions[0].exitCode).not.toBe(0);
    expect(sessions[0].printed).toContain("it ran");
  });

  /** Each line that is there, however often. */
  function once(printed: string): readonly string[] {
    return [...new Set(plain(printed).split("\n"))].toSorted();
  }

  it.concurrent.each([
    ["tells it all by its environment", ["sh", "-c", "env | grep ^ETCD_WATCH | sort"]],
    ["ends with it when it fails", ["sh", "-c", "exit 7"]],
    ["ends when there is none", ["no-such-program"]],
  ] as const)("runs a program for each change: %s", async (name, program) => {
    const key = `exec/${name}`;
    const runs = await onBoth(async (endpoint) => {
      await etcdctl(endpoint, ["put", key, "one"]);
      await etcdctl(endpoint, ["put", key, "two"]);
      await etcdctl(endpoint, ["del", key]);
      const watching = new RunningEtcdctl(endpoint, ["watch", key, "--rev=1", "--", ...program]);
      await watching.untilPrinted(/DELETE[^]*EVENT_TYPE="DELETE"[^]*VALUE=""/);
      watching.kill();
      return { exitCode: await watching.exitCode, printed: plain(watching.printed) };
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0].printed).toContain("PUT");
  });

  it.concurrent("takes key and end from its environment", async () => {
    const environment = { ETCDCTL_WATCH_KEY: "env/1", ETCDCTL_WATCH_RANGE_END: "env/3" };
    const runs = await onBoth(async (endpoint) => {
      for (const key of ["env/0", "env/1", "env/2", "env/3"]) await etcdctl(endpoint, ["put", key, "x"]);
      await etcdctl(endpoint, ["put", "env/2", "last"]);
      const watching = new RunningEtcdctl(endpoint, ["watch", "--rev=1"], environment);
      await watching.untilPrinted(/last/);
      watching.kill();
      return watching.printed;
    });
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).toBe("PUT\nenv/1\nx\nPUT\nenv/2\nx\nPUT\nenv/2\nlast\n");
  });
});

describe("etcdctl about leases, locks and leaders", () => {
  it.concurrent("lease keep-alive goes on until the lease is gone", async () => {
    const runs = await onBoth(async (endpoint) => {
      const { stdout } = await etcdctl(endpoint, ["lease", "grant", "2"]);
      const id = /^lease ([0-9a-f]+) granted/.exec(stdout)?.[1] ?? "?";
      const keeping = new RunningEtcdctl(endpoint, ["lease", "keep-alive", id]);
      await keeping.untilPrinted(/(?:keepalived with TTL\(2\)\n.*){2}/s);
      expect((await etcdctl(endpoint, ["lease", "revoke", id])).exitCode).toBe(0);
      return { exitCode: await keeping.exitCode, printed: [...new Set(plain(keeping.printed).split("\n"))] };
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0].printed).toEqual(["lease ID keepalived with TTL(2)", "lease ID expired or revoked.", ""]);
  });

  it.concurrent.each([
    ["a program that is killed", "lock killed sh -c kill\t-9\t$$"],
    ["a program's own exit code", "lock code sh -c exit\t42"],
    ["what a program is told", "lock env sh -c test\t-n\t$ETCD_LOCK_KEY\t-a\t$ETCD_LOCK_REV\t-gt\t0"],
    ["a time to live of its own", "lock --ttl=3 short etcdctl --endpoints={it} get --prefix short/ --keys-only"],
    ["no name", "elect"],
    ["no name to listen for", "elect -l"],
  ])("%s", async (_, line) => {
    const [ours, theirs] = await onBoth(async (endpoint) => {
      const words = line.split(" ").map((word) => word.replaceAll("\t", " ").replace("{it}", endpoint.client));
      const { exitCode, stdout, error } = await etcdctl(endpoint, words);
      return { exitCode, stdout: plain(stdout), error: plain(error) };
    });
    expect(ours).toEqual(theirs);
  });

  it.concurrent("elect -l tells who leads, and each time that changes", async () => {
    const told = await onBoth(async (endpoint) => {
      const listener = new RunningEtcdctl(endpoint, ["elect", "-l", "office"]);
      const first = new RunningEtcdctl(endpoint, ["elect", "office", "ann"]);
      await listener.untilPrinted(/ann\n/);
      const second = new RunningEtcdctl(endpoint, ["elect", "office", "bob"]);
      while (
        (await etcdctl(endpoint, ["get", "--prefix", "office/", "--keys-only"])).stdout.split("office/").length < 3
      );
      first.kill("SIGTERM");
      await Promise.all([listener, second].map((one) => one.untilPrinted(/bob\n/)));
      second.kill("SIGINT");
      await Promise.all([first.exitCode, second.exitCode]);
      listener.kill();
      return { listener: plain(listener.printed), ends: await Promise.all([first.exitCode, second.exitCode]) };
    });
    expect(told[0]).toEqual(told[1]);
    expect(told[0].listener).toBe("office/ID\nann\noffice/ID\nbob\n");
  });
});

describe("etcdctl in every form of output", () => {
  it.concurrent.each([
    "endpoint health -w json",
    "endpoint health -w table",
    "endpoint health -w fields",
    "endpoint status -w table",
    "endpoint status -w fields",
    "endpoint hashkv -w json",
    "endpoint hashkv -w table",
    "endpoint hashkv -w fields",
    "member list -w table",
    "member list -w fields",
    "defrag",
    "alarm list -w json",
    "version",
    "get a -w table",
    "get a -w nonsense",
    "move-leader 4d",
    "move-leader",
  ])("%s", async (line) => {
    const words = line.split(" ");
    const [ours, theirs] = await Promise.all([etcdctl(alone, words), etcdctl(etcd, words)]);
    const same = ({ exitCode, stdout, error }: Run): object => ({ exitCode, out: plain(stdout), error: plain(error) });
    expect(same(ours)).toEqual(same(theirs));
  });
});

/** Last, because it compacts: a watch of another test could begin too early. */
describe("etcdctl check", () => {
  it.concurrent("datascale measures the member's memory, compacts and defragments", async () => {
    const line = "check datascale --load=s --auto-compact --auto-defrag";
    const runs = await Promise.all([alone, etcd].map((endpoint) => etcdctl(endpoint, line.split(" "))));
    for (const { exitCode, stdout, error } of runs) {
      expect(error).toBe("");
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^Compacted with revision \d+$/m);
      expect(stdout).toMatch(/^Defragmented "127\.0\.0\.1:\d+"$/m);
      expect(stdout).toMatch(/^PASS: Approximate system memory used : -?[\d.]+ MB\.$/m);
    }
  });

  // A whole one takes a minute.
  it.concurrent("perf refuses to start over keys that are there", async () => {
    await expectAlike("put busy/1 x");
    const { exitCode, error } = await expectAlike("check perf --prefix=busy/");
    expect([exitCode, error]).toEqual([3, expect.stringContaining('prefix "busy/" has keys')]);
    await expectAlike("check perf --load=none");
    await expectAlike("check datascale --load=none");
  });
});
