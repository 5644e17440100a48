import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { aggregatorCases, records, type AggregatorFigures } from "./aggregator-cases.ts";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";

/** What recording an error costs, and what the aggregator keeps; there is no peer on npm that groups errors in memory. */
export const aggregator: Benchmark = {
  name: "aggregator",
  summary: "CPU time and memory of recording 1,000,000 errors: few groups, contexts, a flood of distinct ones",
  async run(context: BenchmarkContext) {
    const samples = new Samples();
    for (let round = 0; round < context.rounds; round++) {
      for (const [name, { title }] of Object.entries(aggregatorCases)) {
        const { ns, mib } = await measure(name, context.signal);
        samples.add("holdfast", { case: title, unit: "ns", better: "lower" }, ns);
        samples.add("holdfast", { case: title, unit: "MiB", better: "lower" }, mib);
        context.progress(
          `round ${round + 1} of ${context.rounds}: ${records.toLocaleString("en")} of ${title}: ` +
            `${Math.round(ns)} ns each, ${mib.toFixed(1)} MiB kept`,
        );
      }
    }
    return samples.measurements("holdfast");
  },
};

/** Each case in a process of its own, so that its memory is its own. */
async function measure(name: string, signal: AbortSignal): Promise<AggregatorFigures> {
  const child = join(import.meta.dirname, "aggregator-child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", "--expose-gc", child, name], {
    signal,
  });
  return JSON.parse(stdout) as AggregatorFigures;
}
