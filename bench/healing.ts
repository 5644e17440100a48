import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gatewayClient, type GatewayClient } from "../packages/server/src/client/gateway-client.ts";
import { planOnFreePorts } from "../packages/server/src/supervisor/free-plan.ts";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { fillUp, startHealedCluster, type ClusterSight, type HealedCluster } from "./healed-cluster.ts";

const nodes = 3;
/** For full strength after one fault. */
const patienceMs = 180_000;
const writeEveryMs = 20;

/**
 * `holdfast up` for so many seconds (1 800 are the figure) while members are killed, killed for good with their data,
 * stopped, slowed, and their disks filled, at random, one after the other: how long it takes until all members of the
 * cluster are there again. Fails when one of these does not end, a change of members leaves a majority unanswering that
 * answered before, or a write that was acknowledged is not there in the end.
 */
export const healing: Benchmark = {
  name: "healing",
  summary: "time to full strength of a cluster whose members are killed, lost, slowed and filled up (root, Linux)",
  async run(context) {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-healing-"));
    const { members } = await planOnFreePorts({ nodes: 40, directory });
    const cluster = await startHealedCluster(directory, members[0]!.client.port, nodes);
    const stopped = new AbortController();
    try {
      const quorum = watchQuorum(cluster, stopped.signal);
      const load = startLoad(cluster, stopped.signal);
      const samples = await breakAndWait(cluster, context);
      stopped.abort();
      const [broken, { acknowledged, longestGapMs }] = await Promise.all([quorum, load]);
      if (broken.length > 0) throw new Error(`healing endangered the quorum: ${broken.join("; ")}`);
      const lost = await lostKeys(cluster, acknowledged);
      if (lost.length > 0) throw new Error(`${lost.length} acknowledged writes are gone, ${lost[0]} the first`);
      const gap = { case: "longest time without an acknowledged write", unit: "s", better: "lower" } as const;
      samples.add("holdfast", gap, longestGapMs / 1000);
      context.progress(`${acknowledged.size} writes acknowledged, none lost`);
      return samples.measurements("holdfast");
    } catch (error) {
      for (const line of cluster.said().slice(-40)) context.progress(`  ${line}`);
      throw error;
    } finally {
      stopped.abort();
      await cluster.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

/** Ends when the fault has struck. */
type Fault = (cluster: HealedCluster, victim: string, pid: number) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  kill: async (_, __, pid) => void process.kill(pid, "SIGKILL"),
  async "kill for good"(cluster, victim, pid) {
    process.kill(pid, "SIGKILL");
    const directory = cluster.directoryOf(victim);
    for (const entry of readdirSync(directory)) rmSync(join(directory, entry), { recursive: true, force: true });
  },
  async "full disk"(cluster, victim) {
    const file = openSync(join(cluster.directoryOf(victim), "filler"), "w");
    // Its log has taken what room it had, by the next write or the one after.
    for (let round = 0; round < 50; round++) {
      fillUp(file);
      await delay(20);
    }
    closeSync(file);
  },
  // Longer than a restart takes: whether it was started anew, it is gone by then.
  stop: async (_, __, pid) => void process.kill(pid, "SIGSTOP"),
  async slow(_, __, pid) {
    for (const until = performance.now() + 20_000; performance.now() < until;) {
      if (!signal(pid, "SIGSTOP")) return;
      await delay(180);
      if (!signal(pid, "SIGCONT")) return;
      await delay(20);
    }
  },
};

/** After these a member cannot come back under its name. */
const forGood: ReadonlySet<string> = new Set(["kill for good", "full disk"]);

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

async function breakAndWait(
  cluster: HealedCluster,
  { seconds, signal: stop, progress }: BenchmarkContext,
): Promise<Samples> {
  const samples = new Samples();
  const kinds = Object.keys(faults);
  const until = performance.now() + seconds * 1000;
  await fullStrength(cluster, "the start", stop);
  let next: string[] = [];
  while (performance.now() < until) {
    stop.throwIfAborted();
    // Each kind as often as the others, in a random order.
    if (next.length === 0) next = kinds.toSorted(() => Math.random() - 0.5);
    const kind = next.pop()!;
    const { members } = cluster.layout();
    const victim = members[Math.floor(Math.random() * members.length)]!.name;
    const pid = cluster.pidOf(victim);
    if (pid === undefined) throw new Error(`${victim} has no process`);
    const startedAtMs = performance.now();
    await faults[kind]!(cluster, victim, pid);
    const isGone = forGood.has(kind) ? victim : undefined;
    const struck = isGone !== undefined || kind === "slow" || (await untilWeak(cluster, 15_000));
    const tookMs = struck ? (await fullStrength(cluster, `${kind} of ${victim}`, stop, isGone)) - startedAtMs : 0;
    const who = cluster.layout().members.map(({ name }) => name);
    progress(
      `${kind} of ${victim}: ${struck ? `${(tookMs / 1000).toFixed(1)} s` : "no effect"}, now ${who.join(", ")}`,
    );
    if (struck) {
      for (const what of [kind, "any"]) {
        samples.add("holdfast", { case: `full strength after ${what}`, unit: "s", better: "lower" }, tookMs / 1000);
      }
    }
    await delay(1_000 + Math.random() * 4_000, undefined, { signal: stop });
  }
  return samples;
}

/** Whether it shows that something is wrong. */
async function untilWeak(cluster: HealedCluster, withinMs: number): Promise<boolean> {
  for (const until = performance.now() + withinMs; performance.now() < until; await delay(50)) {
    if (!(await cluster.look()).isFull) return true;
  }
  return false;
}

/** @param gone a member that is to be none any more */
async function fullStrength(cluster: HealedCluster, after: string, stop: AbortSignal, gone?: string): Promise<number> {
  const until = performance.now() + patienceMs;
  let since: number | undefined;
  for (; performance.now() < until; await delay(100, undefined, { signal: stop })) {
    const { isFull, answering } = await cluster.look();
    if (!isFull || answering.has(gone ?? "")) since = undefined;
    else {
      since ??= performance.now();
      // It stays so.
      if (performance.now() - since > 1_000) return since;
    }
  }
  throw new Error(`not at full strength within ${patienceMs / 1000} s after ${after}`);
}

/** Changes of members after which no majority answered, though one had before. */
async function watchQuorum(cluster: HealedCluster, stop: AbortSignal): Promise<readonly string[]> {
  const broken: string[] = [];
  let before: ClusterSight | undefined;
  while (!stop.aborted) {
    const now = await cluster.look();
    if (before !== undefined && votersOf(before) !== "" && votersOf(now) !== votersOf(before) && votersOf(now) !== "") {
      if (canDecide(before) && !canDecide(now)) broken.push(`${votersOf(before)} became ${votersOf(now)}`);
    }
    if (now.leader !== undefined) before = now;
    await delay(100);
  }
  return broken;
}

function votersOf({ leader }: ClusterSight): string {
  return (leader?.members ?? []).flatMap(({ name, isLearner }) => (isLearner ? [] : [name])).join();
}

function canDecide(sight: ClusterSight): boolean {
  const voters = votersOf(sight).split(",");
  return voters.filter((name) => sight.answering.has(name)).length > voters.length / 2;
}

interface Load {
  readonly acknowledged: ReadonlySet<string>;
  readonly longestGapMs: number;
}

async function startLoad(cluster: HealedCluster, stop: AbortSignal): Promise<Load> {
  let urls = "";
  let client: GatewayClient | undefined;
  const acknowledged = new Set<string>();
  let longestGapMs = 0;
  let lastMs = performance.now();
  for (let number = 0; !stop.aborted; number++) {
    const key = `k${String(number).padStart(9, "0")}`;
    const endpoints = cluster.urls();
    if (client === undefined || endpoints.join() !== urls) {
      client?.close();
      urls = endpoints.join();
      client = gatewayClient({ endpoints, timeoutMs: 30_000, attemptTimeoutMs: 400 });
    }
    try {
      await client.put({ key: Buffer.from(key), value: Buffer.from(String(number)) });
      acknowledged.add(key);
      longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
      lastMs = performance.now();
    } catch {
      // Its outcome is unknown: nothing is promised.
    }
    await delay(writeEveryMs);
  }
  client?.close();
  return { acknowledged, longestGapMs };
}

async function lostKeys(cluster: HealedCluster, acknowledged: ReadonlySet<string>): Promise<readonly string[]> {
  const client = gatewayClient({ endpoints: cluster.urls(), timeoutMs: 30_000 });
  const found = new Set<string>();
  try {
    let key: Buffer = Buffer.from("k");
    for (;;) {
      const { pairs } = await client.range({ key, rangeEnd: Buffer.from("l"), limit: 1_000 });
      for (const pair of pairs) found.add(Buffer.from(pair.key).toString());
      const last = pairs.at(-1);
      if (last === undefined || pairs.length < 1_000) break;
      key = Buffer.concat([Buffer.from(last.key), Buffer.of(0)]);
    }
  } finally {
    client.close();
  }
  return [...acknowledged].filter((each) => !found.has(each));
}
