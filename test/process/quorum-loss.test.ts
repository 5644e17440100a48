import { afterEach, describe, expect, it } from "vitest";
import { etcdctl } from "../clients/etcdctl.ts";
import { startRealCluster, type RealCluster } from "./real-cluster.ts";
import { run, until } from "./holdfast-command.ts";

let cluster: RealCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly ms: number;
}

async function post(
  url: string,
  path: string,
  document: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const startedAtMs = performance.now();
  const response = await fetch(`${url}/v3/kv/${path}`, { method: "POST", headers, body: JSON.stringify(document) });
  const body: unknown = await response.json();
  return { status: response.status, body, ms: performance.now() - startedAtMs };
}

const key = btoa("k");
/** As etcd 3.4.23 answers with two of three members dead; there after seven seconds. */
const timedOut = {
  status: 503,
  body: { error: "etcdserver: request timed out", message: "etcdserver: request timed out", code: 14 },
};

describe.each(["the leader", "a follower"])("with two of three members dead, %s", (survives) => {
  it("refuses in bounded time, answers from its own state, and serves again when the others are back", async () => {
    cluster = await startRealCluster(3);
    const { plan, supervisor, urls } = cluster;
    const leader = await cluster.leader();
    const names = plan.members.map((member) => member.name);
    const survivor = survives === "the leader" ? leader : names.find((name) => name !== leader)!;
    const url = urls[names.indexOf(survivor)]!;
    const pid = supervisor.member(survivor).pid;
    const dead = names.filter((name) => name !== survivor);
    expect((await post(url, "put", { key, value: btoa("before") })).status).toBe(200);
    for (const { exit } of await Promise.all(dead.map((name) => supervisor.kill(name)))) {
      expect(exit.signal).toBe("SIGKILL");
    }

    const member = { client: new URL(url).host, close: () => Promise.resolve() };
    // Over gRPC, by a client that would wait longer.
    const grpc = etcdctl(member, ["put", "k", "grpc", "--command-timeout=30s"]);
    const answers = await Promise.all([
      post(url, "put", { key, value: btoa("during") }),
      post(url, "range", { key }),
      post(url, "deleterange", { key: btoa("other") }),
      post(url, "txn", { success: [{ request_range: { key } }] }),
      post(url, "compaction", { revision: "1" }),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject(timedOut);
      expect(answer.ms).toBeLessThan(7000);
    }
    expect(await grpc).toMatchObject({ exitCode: 1, error: "Error: etcdserver: request timed out" });

    const stale = await post(url, "range", { key, serializable: true });
    expect(stale).toMatchObject({ status: 200, body: { kvs: [{ value: btoa("before") }] } });
    expect(stale.ms).toBeLessThan(1000);
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.text()]).toEqual([503, '{"health":"false"}']);
    const status = await run(["status", "--json", "--endpoints", url]);
    expect(JSON.parse(status.stdout)).toMatchObject({ leader: null });

    const own = await etcdctl(member, ["get", "k", "--consistency=s", "--print-value-only"]);
    expect(own).toMatchObject({ exitCode: 0, stdout: "before\n" });

    // One that waits when the others come back is answered, without being sent again.
    const waiting = post(url, "put", { key: btoa("waited"), value: btoa("for it") }, { "grpc-timeout": "7S" });
    await Promise.all(dead.map((name) => supervisor.start(name)));
    expect(await waiting).toMatchObject({ status: 200 });
    await until("requests work again", 10_000, async () => (await post(url, "range", { key })).status === 200);
    expect((await post(url, "put", { key, value: btoa("after") })).status).toBe(200);
    for (const each of urls) {
      expect(await post(each, "range", { key })).toMatchObject({
        status: 200,
        body: { kvs: [{ value: btoa("after") }] },
      });
    }
    expect(supervisor.member(survivor)).toMatchObject({ pid, restarts: 0, state: "alive" });
  });
});

describe("overload without a majority", () => {
  it("is refused at the bound and forgotten when the callers leave; the member goes on", async () => {
    cluster = await startRealCluster(3);
    const { supervisor, urls, plan } = cluster;
    const url = urls[0]!;
    await Promise.all(plan.members.slice(1).map(({ name }) => supervisor.kill(name)));
    const leaving = new AbortController();
    let refused = 0;
    let left = 0;
    const sent: Promise<void>[] = [];
    for (let at = 0; at < 2000; at++) {
      const body = JSON.stringify({ key: btoa(`k${at}`), value: key });
      const asked = fetch(`${url}/v3/kv/put`, { method: "POST", body, signal: leaving.signal }).then(
        (response) => void (response.status === 503 && refused++),
        () => void left++,
      );
      sent.push(asked);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const stale = await post(url, "range", { key, serializable: true });
    expect(stale.status).toBe(200);
    leaving.abort();
    await Promise.all(sent);
    expect(refused + left).toBe(2000);
    expect(left).toBeGreaterThan(0);
    await Promise.all(plan.members.slice(1).map(({ name }) => supervisor.start(name)));
    await until(
      "requests work again",
      10_000,
      async () => (await post(url, "put", { key, value: key })).status === 200,
    );
    expect(supervisor.member(plan.members[0]!.name).restarts).toBe(0);
  });
});
