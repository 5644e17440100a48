import { parseArgs } from "node:util";
import { plantedBugs, type PlantedBug } from "holdfast/consensus";
import { ExitError } from "../../packages/server/src/cli/exit.ts";
import { recordingFile, type RecordingFile } from "../../packages/server/src/recording/recording-file.ts";
import { focuses, type FocusName } from "./focuses.ts";
import { healHours } from "./healing/heal-hours.ts";
import { commandFor, describeViolation, sumFaults } from "./report.ts";
import { runSimulation, type RunOptions, type RunResult } from "./run.ts";
import { runSeeds } from "./seed-workers.ts";
import { recordSimulation } from "./run-recording.ts";
import { shrink } from "./shrink.ts";

const usage = `Usage: npm run simulate -- [options]

  npm run simulate -- --seeds 300            300 clusters from consecutive seeds
  npm run simulate -- --seed 42              one cluster again
  npm run simulate -- --seed 42 --check-determinism
  npm run simulate -- --seed 42 --recording run.html
  npm run simulate -- --healing 100          clusters that heal themselves, for 100 simulated hours

Options:
  --seeds N             how many seeds to run (default 1)
  --seed S              the first seed (default 1)
  --threads N           seeds run at once (default 2)
  --keep I,J,…          of a seed's faults only these, by position; "none" for none
  --plant BUG           switch on a known bug, to see it found: ${plantedBugs.join(", ")}
  --focus NAME          parameters that lead to one kind of trouble: ${Object.keys(focuses).join(", ")}
  --check-determinism   run each seed twice and compare the traces
  --recording FILE      keep the seed's run for the dashboard's page: .html plays it, .json is data
  --json                print one JSON document on stdout`;

const startedAt = performance.now();

class UsageError extends Error {}

function integer(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`--${name} must be an integer >= ${least} (got ${JSON.stringify(text)})`);
  }
  return value;
}

function readOptions(): {
  seeds: number[];
  threads: number;
  run: Omit<RunOptions, "seed">;
  checkDeterminism: boolean;
  recording: string | undefined;
  json: boolean;
} {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      threads: { type: "string", default: "2" },
      keep: { type: "string" },
      plant: { type: "string" },
      focus: { type: "string" },
      recording: { type: "string" },
      "check-determinism": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const { plant, focus, keep } = values;
  if (plant !== undefined && !plantedBugs.includes(plant as PlantedBug)) {
    throw new UsageError(`--plant must be one of ${plantedBugs.join(", ")} (got ${JSON.stringify(plant)})`);
  }
  if (focus !== undefined && !Object.hasOwn(focuses, focus)) {
    throw new UsageError(`--focus must be one of ${Object.keys(focuses).join(", ")} (got ${JSON.stringify(focus)})`);
  }
  if (values.recording !== undefined && values.seeds !== "1") {
    throw new UsageError(`--recording keeps the run of one seed: leave out --seeds (got ${values.seeds})`);
  }
  const first = integer("seed", values.seed, 0);
  return {
    seeds: Array.from({ length: integer("seeds", values.seeds, 1) }, (_, at) => first + at),
    threads: integer("threads", values.threads, 1),
    run: {
      plant: plant as PlantedBug | undefined,
      focus: focus as FocusName | undefined,
      keep: keep === undefined ? undefined : keep === "none" ? [] : keep.split(",").map((at) => integer("keep", at, 0)),
    },
    checkDeterminism: values["check-determinism"],
    recording: values.recording,
    json: values.json,
  };
}

/** Runs a seed, and writes its recording. */
async function recordTo(file: RecordingFile, options: RunOptions): Promise<RunResult> {
  const { result, recording } = await recordSimulation(options);
  console.error(file.write(recording));
  return result;
}

async function main(): Promise<number> {
  const { seeds, threads, run, checkDeterminism, recording, json } = readOptions();
  const file = recording === undefined ? undefined : recordingFile(recording);
  const results: RunResult[] = [];
  const failed: RunResult[] = [];
  let nextProgress = 0;
  console.error(`${seeds.length} seeds from ${seeds[0]} on ${threads} threads`);

  const onResult = (result: RunResult): "go on" => {
    results.push(result);
    if (result.violation !== undefined) failed.push(result);
    if (performance.now() >= nextProgress) {
      nextProgress = performance.now() + 5_000;
      console.error(`  ${results.length} of ${seeds.length} seeds, ${failed.length} with a violation`);
    }
    return "go on";
  };
  if (file === undefined) await runSeeds(seeds, run, threads, onResult);
  else onResult(await recordTo(file, { ...run, seed: seeds[0]! }));

  const violations: { seed: number; invariant: string; command: string }[] = [];
  for (const result of failed) {
    const options = { ...run, seed: result.seed };
    const shrunk = await shrink(options, result);
    for (const line of describeViolation(options, shrunk)) console.error(line);
    violations.push({
      seed: result.seed,
      invariant: result.violation!.invariant,
      command: commandFor({ ...options, keep: shrunk.keep }),
    });
  }
  if (checkDeterminism) {
    for (const { seed, traceHash } of results) {
      const again = await runSimulation({ ...run, seed });
      if (again.traceHash === traceHash) continue;
      console.error(`seed ${seed}: two runs differ, traces ${traceHash} and ${again.traceHash}`);
      violations.push({
        seed,
        invariant: "determinism",
        command: `${commandFor({ ...run, seed })} --check-determinism`,
      });
    }
  }

  const faults = sumFaults(results);
  const virtualMs = Math.round(results.reduce((sum, result) => sum + result.virtualMs, 0));
  const wallMs = Math.round(performance.now() - startedAt);
  if (json) {
    console.log(JSON.stringify({ seeds: seeds.length, violations, faults, virtualMs, wallMs }));
  } else {
    const operations = Math.round(results.reduce((sum, result) => sum + result.operations, 0));
    const steps = results.reduce((sum, result) => sum + result.steps, 0);
    console.log(`${operations} operations, ${steps} steps, ${(virtualMs / 60_000).toFixed(1)} minutes of virtual time`);
    for (const [kind, count] of Object.entries(faults)) console.log(`  ${String(count).padStart(8)} ${kind}`);
    if (checkDeterminism)
      console.log(
        `each seed was run twice and gave the same trace: ${violations.every((v) => v.invariant !== "determinism")}`,
      );
    const again = violations[0]?.command ?? commandFor({ ...run, seed: seeds[0]! });
    console.log(
      `${seeds.length} seeds, ${violations.length} violations, ${(wallMs / 1000).toFixed(1)} s; repeat: ${again}`,
    );
  }
  return violations.length === 0 ? 0 : 1;
}

try {
  const args = process.argv.slice(2);
  process.exitCode = args.some((arg) => arg.startsWith("--healing")) ? healHours(args) : await main();
} catch (error) {
  const isRefused = ExitError.is(error);
  const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  if (!isUsage && !isRefused) throw error;
  console.error(isRefused ? error.message : `${(error as Error).message}\n\n${usage}`);
  process.exitCode = isRefused ? error.exitCode : 2;
}
