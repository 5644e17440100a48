import { seededRandom } from "holdfast/runtime";
import { CoreCluster } from "holdfast/testing";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";

const size = 3;
const commandBytes = 256;
/** Proposals between two compactions, as snapshots would cause them. */
const compactEvery = 10_000;

/** The consensus core alone: three cores in one thread, with storage and messages in memory. */
export const raftCore: Benchmark = {
  name: "raft-core",
  summary: "CPU time of one committed entry of 256 bytes in the Raft core, 3 members in one thread",
  async run(context: BenchmarkContext) {
    const samples = new Samples();
    for (let round = 0; round < context.rounds; round++) {
      for (const batch of [1, 64]) {
        context.signal.throwIfAborted();
        const microseconds = measure(batch, context.seconds);
        context.progress(`round ${round + 1} of ${context.rounds}: batches of ${batch}: ${microseconds.toFixed(2)} µs`);
        const figure = { case: `a committed entry, proposed ${batch} at a time`, unit: "µs", better: "lower" } as const;
        samples.add("holdfast", figure, microseconds);
      }
    }
    return samples.measurements("holdfast");
  },
};

function measure(batch: number, seconds: number): number {
  const cluster = new CoreCluster({ size, random: seededRandom(1) });
  const leader = cluster.elect();
  const command = new Uint8Array(commandBytes);
  const commands = Array.from({ length: batch }, () => command);
  let proposed = 0;

  function runFor(ms: number): number {
    const before = leader.commit;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < ms) {
      for (let i = 0; i < 1_000; i += batch) {
        cluster.feed(leader.id, { type: "propose", commands });
        cluster.deliver();
      }
      proposed += 1_000;
      cluster.advance(10);
      if (proposed % compactEvery === 0) {
        for (const id of cluster.ids) cluster.feed(id, { type: "compact", index: cluster.core(id).commit });
      }
      elapsed = performance.now() - start;
    }
    return (elapsed * 1_000) / (leader.commit - before);
  }

  runFor(500);
  return runFor(seconds * 1_000);
}
