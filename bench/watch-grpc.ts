import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Etcd3 } from "etcd3";
import { installCommands } from "../scripts/debian-packages.ts";
import { wireType } from "../packages/server/src/etcd/wire-type.ts";
import type { BenchmarkContext, Samples } from "./benchmark.ts";
import { etcd, holdfast, type KvSystem } from "./kv-cluster.ts";
import { clockMs, type ReaderPlan, type ReaderReport } from "./watch-reader.ts";

const watchers = 1000;
const putsPerSecond = 1000;
const valueBytes = 256;
const keys = 1000;
const prefix = Buffer.from("orders/");
const prefixEnd = Buffer.from("orders0");
/** With a stream for each watcher, etcd on two processors answers puts with timeouts: there is nothing to compare with. */
const streamCounts: Readonly<Record<string, readonly number[]>> = { holdfast: [10, watchers], etcd: [10] };
/** A system that falls behind gets this long to tell the rest. */
const graceMs = 30_000;

/**
 * Watchers over gRPC, on few streams and on one each; one system at a time. Of one member: it does all that the
 * leader of several does for its watchers, and leaves the second processor to who reads.
 */
export async function measureGrpc(samples: Samples, round: number, context: BenchmarkContext): Promise<void> {
  const missing = installCommands(["etcd"]);
  if (missing.length > 0) throw new Error(missing.map(({ reason }) => reason).join("\n"));
  const systems = round % 2 === 0 ? [holdfast, etcd] : [etcd, holdfast];
  for (const system of systems) {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
    try {
      await measureSystem(system, directory, samples, context);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

async function measureSystem(
  system: KvSystem,
  directory: string,
  samples: Samples,
  { seconds, signal, progress }: BenchmarkContext,
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const cluster = await system.start(directory, signal, 1);
  try {
    for (const streams of streamCounts[system.name] ?? []) {
      const [leader = ""] = cluster.urls;
      // Before it counts, for what is compiled while it runs.
      await follow(leader, streams, putsPerSecond, signal);
      const [p50 = 0, p99 = 0, max = 0] = await follow(leader, streams, seconds * putsPerSecond, signal);
      const of = `gRPC, ${watchers} watchers on ${streams} streams, ${putsPerSecond} puts/s`;
      samples.add(system.name, { case: `${of}: lag p50`, unit: "ms", better: "lower" }, p50);
      samples.add(system.name, { case: `${of}: lag p99`, unit: "ms", better: "lower" }, p99);
      samples.add(system.name, { case: `${of}: lag max`, unit: "ms", better: "lower" }, max);
      progress(`  ${system.name}: ${of}: lag p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, max ${max.toFixed(2)} ms`);
    }
  } finally {
    await cluster.stop();
  }
}

/** Gives the quantiles of the lag. @throws Error when a watcher is told something else than every put, in order */
async function follow(url: string, streams: number, puts: number, signal: AbortSignal): Promise<readonly number[]> {
  const watchersPerStream = watchers / streams;
  const requests = Array.from({ length: watchersPerStream }, (_, id) =>
    wireType("WatchRequest").encode({ create_request: { key: prefix, range_end: prefixEnd, watch_id: id } }),
  );
  const plan: ReaderPlan = { url, streams, watchersPerStream, connections: Math.min(10, streams), requests, puts };
  const worker = new Worker(new URL("watch-reader.ts", import.meta.url), { workerData: plan });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<readonly number[]>();
  worker.on("message", (report: ReaderReport) => {
    if (report.type === "ready") return ready.resolve();
    if (report.type === "failed") return fail(new Error(report.message));
    if (report.events === puts * watchers) return done.resolve(report.quantiles);
    fail(new Error(`${report.events} events were told, not ${puts * watchers}`));
  });
  worker.on("error", fail);
  function fail(error: unknown): void {
    ready.reject(error);
    done.reject(error);
  }
  done.promise.catch(() => undefined);
  try {
    await ready.promise;
    await put(url, puts, signal);
    return await Promise.race([done.promise, late(signal)]);
  } finally {
    await worker.terminate();
  }
}

async function late(signal: AbortSignal): Promise<never> {
  await delay(graceMs, undefined, { signal, ref: false });
  throw new Error(`the watchers were not told everything within ${graceMs} ms`);
}

/** Puts at a steady rate, each with the time at which it is sent. */
async function put(url: string, puts: number, signal: AbortSignal): Promise<void> {
  const client = new Etcd3({ hosts: url });
  try {
    // Connected before the clock runs; a read, so that revisions stay consecutive.
    await client.get("none").exec();
    const underWay: Promise<unknown>[] = [];
    const startedAt = clockMs();
    for (let sent = 0; sent < puts;) {
      signal.throwIfAborted();
      const due = Math.min(puts, Math.ceil(((clockMs() - startedAt) * putsPerSecond) / 1000));
      for (; sent < due; sent++) {
        const value = Buffer.alloc(valueBytes);
        value.writeDoubleLE(clockMs());
        underWay.push(
          client
            .put(`${prefix.toString()}${sent % keys}`)
            .value(value)
            .exec(),
        );
      }
      await delay(1);
    }
    await Promise.all(underWay);
  } finally {
    client.close();
  }
}
