import { parseArgs } from "node:util";
import { aggregator } from "./aggregator.ts";
import type { Benchmark } from "./benchmark.ts";
import { capacity } from "./capacity.ts";
import { check } from "./check.ts";
import { readEnvironment } from "./environment.ts";
import { healing } from "./healing.ts";
import { kv } from "./kv.ts";
import { membership } from "./membership.ts";
import { plans } from "./plans.ts";
import { predictor } from "./predictor.ts";
import { problemDocuments } from "./problem-documents.ts";
import { raftCore } from "./raft-core.ts";
import { resilience } from "./resilience.ts";
import { telemetry } from "./telemetry.ts";
import { compare, renderReport, type BenchmarkReport } from "./report.ts";
import { watch } from "./watch.ts";

const benchmarks: readonly Benchmark[] = [
  raftCore,
  kv,
  capacity,
  resilience,
  aggregator,
  predictor,
  problemDocuments,
  membership,
  telemetry,
  watch,
  check,
  plans,
  healing,
];

const usage = `npm run bench -- NAME [--json] [--rounds N] [--seconds N] [--cases WORD]

${benchmarks.map(({ name, summary }) => `  ${name.padEnd(18)} ${summary}`).join("\n")}

  --json              print one JSON document
  --rounds N          measure everything so often and give medians (default 3)
  --seconds N         how long each measurement takes (default 3)
  --cases WORD        which cases, where a benchmark has several sets of them`;

process.exitCode = await main();

async function main(): Promise<number> {
  let options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const { benchmark, json, rounds, seconds, cases } = options;
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => controller.abort(new Error(`stopped by ${signal}`)));
  }
  const environment = readEnvironment();
  const progress = (line: string): void => console.error(line);
  if (environment.loadBefore > environment.cores / 4) {
    progress(`the machine is busy (load ${environment.loadBefore.toFixed(2)}): the figures will be noisy`);
  }
  try {
    const measurements = await benchmark.run({ rounds, seconds, cases, signal: controller.signal, progress });
    const report: BenchmarkReport = { bench: benchmark.name, environment, rows: measurements.map(compare) };
    console.log(json ? JSON.stringify(report, undefined, 2) : renderReport(report));
    return 0;
  } catch (error) {
    const { aborted, reason } = controller.signal;
    const cause: unknown = aborted ? reason : error;
    console.error(`${benchmark.name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    return aborted ? 130 : 1;
  }
}

interface Options {
  readonly benchmark: Benchmark;
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly cases: string | undefined;
}

/** Undefined when only help is wanted. @throws Error for what makes no sense */
function readOptions(args: string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
      cases: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [name, ...more] = positionals;
  if (values.help || (name === undefined && !values.json)) return undefined;
  if (more.length > 0) throw new Error(`one benchmark at a time (got ${positionals.join(" ")})`);
  const benchmark = benchmarks.find((candidate) => candidate.name === name);
  if (benchmark === undefined)
    throw new Error(name === undefined ? "name a benchmark" : `there is no benchmark ${name}`);
  const { cases } = values;
  if (cases !== undefined && benchmark.cases?.includes(cases) !== true) {
    const known = benchmark.cases?.join(" or ") ?? "no sets of cases";
    throw new Error(`--cases must be ${known} (got ${cases})`);
  }
  return {
    benchmark,
    cases,
    json: values.json,
    rounds: positiveInteger("--rounds", values.rounds),
    seconds: positiveInteger("--seconds", values.seconds),
  };
}

function positiveInteger(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} must be an integer >= 1 (got ${text})`);
  return value;
}
