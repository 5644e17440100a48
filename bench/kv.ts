import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installCommands } from "../scripts/debian-packages.ts";
import { Samples, type Benchmark, type BenchmarkContext, type Measurement } from "./benchmark.ts";
import { etcd, holdfast, type KvCluster, type KvSystem } from "./kv-cluster.ts";
import { grpcLoad, grpcReadLoad, ownLoad, wrkLoad, type KvLoad } from "./kv-load.ts";
import { realDisk } from "./real-disk.ts";

const loads = (system: string): readonly KvLoad[] => [grpcLoad, ownLoad(system), wrkLoad, grpcReadLoad];
const clientCounts = [1, 64, 256];
/** Before each case, for the connections. */
const warmUpSeconds = 1;
/** Before the first case, under load: members in operation have long compiled what runs often. */
const steadySeconds = 5;
const steadyClients = 64;

/**
 * Durable puts of 256 bytes, and linearizable reads of them, on three members on loopback. Only one system runs at a time, on a fresh directory, so that
 * the other takes no processor and no disk; each round measures both, and the one that goes first changes.
 */
export const kv: Benchmark = {
  name: "kv",
  summary: "durable puts and linearizable reads, 3 members on this machine, against etcd",
  run: (context) => compareSystems([holdfast, etcd], context),
};

async function compareSystems(systems: readonly KvSystem[], context: BenchmarkContext): Promise<Measurement[]> {
  const missing = installCommands(["etcd", "wrk"]);
  if (missing.length > 0) throw new Error(missing.map(({ reason }) => reason).join("\n"));
  const directory = mkdtempSync(join(realDisk(), "holdfast-bench-"));
  const samples = new Samples();
  try {
    for (let round = 0; round < context.rounds; round++) {
      for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
        context.progress(`round ${round + 1} of ${context.rounds}: ${system.name}`);
        const ofRound = join(directory, `${system.name}-${round}`);
        mkdirSync(ofRound);
        const cluster = await system.start(ofRound, context.signal);
        try {
          await measure(system.name, cluster, ofRound, samples, context);
        } finally {
          await cluster.stop();
        }
        rmSync(ofRound, { recursive: true });
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return samples.measurements(holdfast.name);
}

async function measure(
  system: string,
  cluster: KvCluster,
  directory: string,
  samples: Samples,
  { seconds, signal, progress }: BenchmarkContext,
): Promise<void> {
  for (const load of loads(system)) {
    await load.run({ urls: cluster.urls, clients: steadyClients, directory, signal, seconds: steadySeconds });
  }
  for (const load of loads(system)) {
    for (const clients of clientCounts) {
      const options = { urls: cluster.urls, clients, directory, signal };
      await load.run({ ...options, seconds: warmUpSeconds });
      globalThis.gc?.();
      const before = await cluster.revision();
      const { operations, perSecond, p50Ms, p99Ms } = await load.run({ ...options, seconds });
      const applied = (await cluster.revision()) - before;
      const acknowledged = load.operation === "put" ? operations : 0;
      if (!(applied >= acknowledged)) {
        throw new Error(`${system} acknowledged ${acknowledged} puts and applied ${applied}`);
      }
      const name = `${load.name}, ${clients} ${clients === 1 ? "client" : "clients"}`;
      samples.add(system, { case: name, unit: `${load.operation}s/s`, better: "higher" }, perSecond);
      samples.add(system, { case: `${name}, p50`, unit: "ms", better: "lower" }, p50Ms);
      samples.add(system, { case: `${name}, p99`, unit: "ms", better: "lower" }, p99Ms);
      progress(
        `  ${name}: ${Math.round(perSecond)} ${load.operation}s/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      );
    }
  }
}
