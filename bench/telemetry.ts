import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Samples, type Benchmark, type BenchmarkContext, type Measurement } from "./benchmark.ts";
import { resilienceCases, type CaseName } from "./resilience-cases.ts";

/** Each against `plain`. */
const watches = {
  silent: "nobody listens",
  prometheus: "Prometheus every second",
  measured: "each call timed",
} as const;

/** What it costs to watch policies. */
export const telemetry: Benchmark = {
  name: "telemetry",
  summary: "what watching policies adds to a call that goes through them, against nobody watching",
  async run(context: BenchmarkContext): Promise<Measurement[]> {
    const samples = Object.fromEntries(Object.keys(watches).map((name) => [name, new Samples()]));
    for (let round = 0; round < context.rounds; round++) {
      for (const [caseName, { title }] of Object.entries(resilienceCases)) {
        const plain = await measure("plain", caseName as CaseName, context);
        for (const [name, words] of Object.entries(watches)) {
          const ns = await measure(name, caseName as CaseName, context);
          const figure = { case: `${title}: ${words}`, unit: "ns", better: "lower" } as const;
          samples[name]?.add("holdfast", figure, ns);
          samples[name]?.add("plain", figure, plain);
          context.progress(
            `round ${round + 1} of ${context.rounds}: ${figure.case}: ${((ns / plain - 1) * 100).toFixed(1)} %`,
          );
        }
      }
    }
    return Object.values(samples).flatMap((each) => each.measurements("holdfast"));
  },
};

/** What the policies add to a bare call. */
async function measure(name: string, caseName: CaseName, { seconds, signal }: BenchmarkContext): Promise<number> {
  const child = join(import.meta.dirname, "telemetry-child.ts");
  const line = ["--conditions=source", "--min-semi-space-size=16", child, name, caseName, String(seconds)];
  const { stdout } = await promisify(execFile)(process.execPath, line, { signal });
  return (JSON.parse(stdout) as { readonly ns: number }).ns;
}
