import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { resilienceCases, type CaseName, type System } from "./resilience-cases.ts";

const systems = ["holdfast", "cockatiel", "opossum", "mollitia", "p-retry", "effect"] as const;

/** There are dozens of cases and systems, so each takes a part of the time that a measurement usually takes. */
const share = 1 / 15;

/** What policies cost where nothing fails, and where everything does. */
export const resilience: Benchmark = {
  name: "resilience",
  summary: "what policies add to a call: time and memory, against cockatiel, opossum, mollitia, p-retry, effect",
  async run(context: BenchmarkContext) {
    const samples = new Samples();
    const able = await Promise.all(systems.map(async (name) => ({ name, cases: await casesOf(name) })));
    for (let round = 0; round < context.rounds; round++) {
      for (const [caseName, { title }] of Object.entries(resilienceCases)) {
        for (const { name } of able.filter(({ cases }) => cases.has(caseName))) {
          const { ns, bytes } = await measure(name, caseName as CaseName, context);
          samples.add(name, { case: title, unit: "ns", better: "lower" }, ns);
          if (bytes !== undefined) samples.add(name, { case: title, unit: "B", better: "lower" }, bytes);
          context.progress(`round ${round + 1} of ${context.rounds}: ${title}: ${name} ${Math.round(ns)} ns`);
        }
      }
    }
    return samples.measurements("holdfast");
  },
};

async function casesOf(name: string): Promise<ReadonlySet<string>> {
  const { system } = (await import(`./resilience-${name}.ts`)) as { readonly system: System };
  return new Set(Object.keys(system));
}

async function measure(
  name: string,
  caseName: CaseName,
  { seconds, signal }: BenchmarkContext,
): Promise<{ readonly ns: number; readonly bytes?: number }> {
  const child = join(import.meta.dirname, "resilience-child.ts");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--conditions=source",
      "--expose-gc",
      "--min-semi-space-size=16",
      child,
      name,
      caseName,
      String(seconds * 1_000 * share),
    ],
    { signal },
  );
  return JSON.parse(stdout) as { readonly ns: number; readonly bytes?: number };
}
