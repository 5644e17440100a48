import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nodeTarget } from "holdfast/adapters/system-faults";
import { faultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { makeCertificates } from "../../packages/server/src/tls/auto-certificates.ts";
import { start, until } from "../process/holdfast-command.ts";
import { cleanUp, line, place, undo } from "../process/lone-node.ts";
import { startRealCluster, type RealCluster } from "../process/real-cluster.ts";
import { startMonitoredService, type MonitoredService } from "./monitored-service.ts";
import {
  alertNames,
  hastyRules,
  panelQueries,
  promtool,
  rulesPath,
  startPrometheus,
  type Prometheus,
} from "./prometheus.ts";

const preload = join(import.meta.dirname, "../../packages/holdfast/src/adapters/system-faults/preload.ts");
const quotaBytes = 4_000_000;

let cluster: RealCluster;
let service: MonitoredService;
let prometheus: Prometheus;
/** A cluster of one whose disk can be struck, with little room. */
let lone: { readonly url: string; readonly http: string; readonly pid: number; readonly certificates: string };
/** All that have fired so far. */
const fired = new Set<string>();

/** Waits until each of these has been seen to fire, from now on. */
async function untilFired(...names: readonly string[]): Promise<void> {
  const seen = new Set<string>();
  const missing = (): readonly string[] => names.filter((name) => !seen.has(name));
  await until("all of them fire", 8_000, async () => {
    for (const name of await prometheus.firing()) seen.add(name);
    return missing().length === 0;
  }).catch((error: unknown) => {
    throw new Error(`${missing().join(", ")} did not fire`, { cause: error });
  });
  for (const name of seen) fired.add(name);
}

/** One write over the JSON gateway; the status of its answer, 0 for none. */
async function put(url: string, key: string, bytes = 10): Promise<number> {
  const body = JSON.stringify({ key: btoa(key), value: btoa("x".repeat(bytes)) });
  const signal = AbortSignal.timeout(10_000);
  return fetch(`${url}/v3/kv/put`, { method: "POST", body, signal }).then(
    ({ status }) => status,
    () => 0,
  );
}

/** The status of the answer. */
async function handOver(leader: string, next: string): Promise<number> {
  const at = cluster.plan.members.findIndex(({ name }) => name === leader);
  const ask = (path: string, body: object): Promise<Response> =>
    fetch(`${cluster.urls[at]}/v3${path}`, { method: "POST", body: JSON.stringify(body) });
  const { members } = (await (await ask("/cluster/member/list", {})).json()) as {
    readonly members: readonly { readonly ID: string; readonly name: string }[];
  };
  const targetID = members.find(({ name }) => name === next)?.ID;
  return (await ask("/maintenance/transfer-leadership", { targetID })).status;
}

async function startLone(): Promise<typeof lone> {
  const where = await place();
  const certificates = `${where.data}-tls`;
  const { peer, peerCa } = makeCertificates(certificates);
  const tls = [`--peer-cert-file=${peer.cert}`, `--peer-key-file=${peer.key}`, `--peer-trusted-ca-file=${peerCa}`];
  const node = start([...line(where), "--quota-bytes", String(quotaBytes), "--timers", "fast", ...tls], {
    NODE_OPTIONS: `--conditions=source --import ${preload}`,
    HOLDFAST_FAULTS: "allow",
  });
  undo.push(async () => {
    node.child.kill("SIGKILL");
    await node.done;
  });
  await node.firstLine();
  return { url: where.url, http: `127.0.0.1:${where.port + 2}`, pid: node.child.pid!, certificates };
}

beforeAll(async () => {
  [cluster, service, lone] = await Promise.all([startRealCluster(), startMonitoredService(), startLone()]);
  undo.push(
    () => cluster.close(),
    () => service.close(),
  );
  const members = cluster.plan.members.map(({ http }) => addressText(http));
  prometheus = await startPrometheus({ holdfast: members, lone: [lone.http], shop: [service.address] }, hastyRules());
  undo.push(() => prometheus.close());
  const over = new AbortController();
  // Each by itself: what is slow or dead holds no other up.
  const load = [...cluster.urls, lone.url].map(async (url) => {
    for (let at = 0; !over.signal.aborted; at++) {
      await put(url, `k${at % 50}`);
      await delay(20);
    }
  });
  undo.push(() => {
    over.abort();
    return Promise.all(load);
  });
});

afterAll(cleanUp);

describe("what is shipped for Prometheus and Grafana", () => {
  it("is what Prometheus' own tool takes: rules, and the text of members and services", async () => {
    expect(promtool(["check", "rules", rulesPath])).toMatchObject({ code: 0 });
    // All that it complains of are names that others have given: counters without `_total`, and with it, no counters.
    const isGiven = (text: string): boolean =>
      text.startsWith("etcd_server_proposals_") || text.startsWith("recovery_degradation_mode_duration_seconds ");
    for (const page of [await service.text(), await (await fetch(`http://${lone.http}/metrics`)).text()]) {
      const complaints = promtool(["check", "metrics"], page).text.trim().split("\n");
      expect(complaints.filter((text) => text !== "" && !isGiven(text))).toEqual([]);
    }
  });

  it.each(["grafana-cluster", "grafana-policies"])(
    "%s shows data in every panel, and nobody is alarmed",
    async (name) => {
      const queries = panelQueries(name);
      expect(queries.length).toBeGreaterThan(20);
      let empty: string[] = [];
      await until(`every panel of ${name} has data`, 8_000, async () => {
        const answers = await Promise.all(
          queries.map(async ({ title, expr }) =>
            (await prometheus.query(expr)).length > 0 ? [] : [`${title}: ${expr}`],
          ),
        );
        empty = answers.flat();
        return empty.length === 0;
      }).catch(() => undefined);
      expect(empty).toEqual([]);
      expect([...(await prometheus.firing())]).toEqual([]);
    },
  );
});

describe("a dashboard and alerts that were made for etcd", () => {
  const of = 'job="holdfast"';
  const watches = `${of},grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"`;
  it.each([
    ["members up", `sum(etcd_server_has_leader{${of}})`, 3],
    ["calls", `sum(rate(grpc_server_started_total{${of},grpc_type="unary"}[4s]))`],
    ["failed calls", `sum(rate(grpc_server_handled_total{${of},grpc_type="unary",grpc_code=~"OK|Unavailable"}[4s]))`],
    ["watches", `sum(grpc_server_started_total{${watches}}) - sum(grpc_server_handled_total{${watches}})`, 0],
    ["size", `etcd_mvcc_db_total_size_in_bytes{${of}} / etcd_server_quota_backend_bytes{${of}}`],
    [
      "log",
      `histogram_quantile(0.99, sum(rate(etcd_disk_wal_fsync_duration_seconds_bucket{${of}}[4s])) by (instance, le))`,
    ],
    ["memory", `process_resident_memory_bytes{${of}}`],
    ["files", `process_open_fds{${of}} / process_max_fds{${of}}`],
    ["elections", `changes(etcd_server_leader_changes_seen_total{${of}}[1d])`],
    ["proposals", `rate(etcd_server_proposals_committed_total{${of}}[4s])`],
  ])("find %s", async (_, expr, value?: number) => {
    await until(`there is data for ${expr}`, 8_000, async () => (await prometheus.query(expr)).length > 0);
    if (value !== undefined) expect((await prometheus.query(`(${expr}) == ${value}`)).length).toBe(1);
  });
});

// What each strikes is nothing to the others, and all of them mostly wait.
describe.concurrent("the alerts fire", () => {
  it("when calls fail, hang, are too many, or are counted by user", async () => {
    service.goWrong();
    await untilFired(
      "HoldfastBreakerOpen",
      "HoldfastBreakerFlaps",
      "HoldfastRetriesExhausted",
      "HoldfastBulkheadFull",
      "HoldfastTimeouts",
      "HoldfastDegraded",
      "HoldfastTooManySeries",
    );
  });

  it("when a disk is slow, and when there is no room left", async () => {
    const { clock } = nodeRuntime();
    const faults = faultRegistry({ clock, targets: [nodeTarget({ name: "lone", pid: lone.pid })] });
    undo.push(() => faults.close());
    await faults.inject({
      target: "lone",
      kind: "slowDisk",
      parameters: { path: "/", extraMs: 4_000 },
      durationMs: 60_000,
    });
    await untilFired("HoldfastSlowSync", "HoldfastDiskStalled");
    await faults.close();
    // One that nobody waited for would take room all the same.
    await until("the disk is quick again", 10_000, async () => (await put(lone.url, "small")) === 200);
    for (let at = 0; at < 3; at++) expect(await put(lone.url, `large${at}`, 1_100_000)).toBe(200);
    await untilFired("HoldfastQuotaNearlyUsed");
    await until("writes are refused", 10_000, async () => (await put(lone.url, "more", 1_100_000)) !== 200);
    await untilFired("HoldfastAlarmRaised");
  });

  it("when a certificate is not renewed in time", async () => {
    expect(await prometheus.query(`holdfast_certificate_expiry_timestamp_seconds{certificate="peer"}`)).toHaveLength(1);
    // One that was made so long ago that half a day of its year is left; the node finds it by itself.
    makeCertificates(lone.certificates, new Date(Date.now() - 364.5 * 86_400_000));
    await untilFired("HoldfastCertificateExpiresSoon", "HoldfastCertificateExpires");
    const page = await (await fetch(`http://${lone.http}/readyz?verbose`)).text();
    expect(page).toContain("[+]certificates degraded: --peer-cert-file: ");
  });

  it("when the leader changes often, members die, and no majority is left", async () => {
    const names = cluster.plan.members.map(({ name }) => name);
    for (let moved = 0; moved < 5; moved++) {
      const leader = await cluster.leader();
      const next = names[(names.indexOf(leader) + 1) % names.length] ?? "";
      expect(await handOver(leader, next)).toBe(200);
    }
    await untilFired("HoldfastLeaderChangesOften");
    const leader = await cluster.leader();
    await cluster.supervisor.kill(leader);
    await untilFired("HoldfastMemberDown", "HoldfastMemberThoughtDead");
    expect(fired.has("HoldfastNoQuorum")).toBe(false);
    const [second = ""] = names.filter((name) => name !== leader);
    await cluster.supervisor.kill(second);
    await untilFired("HoldfastNoQuorum", "HoldfastNoLeader", "HoldfastMemberWithoutLeader", "HoldfastRequestsFail");
  });
});

it("all of them, and no other", () => {
  expect([...fired].toSorted()).toEqual(alertNames().toSorted());
});
