import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { InvalidArgumentError } from "holdfast/errors/base";
import type { DrillReport, DrillScenario } from "holdfast/proof";
import { drills } from "../drill/catalog.ts";
import { readScenario } from "../drill/read-scenario.ts";
import { renderDrill } from "../drill/render-drill.ts";
import { timerPresets, type TimerPreset } from "../supervisor/cluster-plan.ts";
import { planOnFreePorts } from "../supervisor/free-plan.ts";
import { certificatesName, clusterTls, clusterTlsOptions, tlsAgain } from "./cluster-tls.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, usageError, type ExitCode } from "./exit.ts";
import { choice, flag, integer, text } from "./option.ts";
import { nearest } from "./parse-line.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

export const drillCommand: Command = defineCommand({
  name: "drill",
  summary: "inject faults under load, and check that nothing is lost",
  examples: [
    "holdfast drill list",
    "holdfast drill leader-kill",
    "holdfast drill leader-kill --runs 20 --json",
    "holdfast drill partition-leader --nodes 5 --html report.html",
    "holdfast drill ./my-drill.yaml --junit results.xml",
  ],
  positionals: [{ name: "NAME", help: "the drill, a file with one, or list" }],
  options: {
    nodes: integer({ min: 1, max: 7, help: "members of the drill's own cluster (default the drill's own: 3)" }),
    runs: integer({ min: 1, max: 1000, help: "rounds of load and faults (default the drill's own: 1)" }),
    seconds: integer({ min: 1, max: 3600, help: "load in each run (default the drill's own)" }),
    clients: integer({ min: 0, max: 64, help: "clients that write and read at the same time (default the drill's own)" }),
    timers: choice({
      choices: timerPresets,
      default: "standard",
      help: "how soon the members replace a leader that dies: fast is for round trips of a few milliseconds",
    }),
    seed: integer({ min: 0, max: Number.MAX_SAFE_INTEGER, help: "draws the same members again" }),
    ...clusterTlsOptions,
    data: text({ placeholder: "DIR", help: "a directory for its data and history instead of a temporary one" }),
    keep: flag("keep data and history also when the drill passes"),
    junit: text({ placeholder: "FILE", help: "write the report as JUnit XML, too" }),
    html: text({ placeholder: "FILE", help: "write the report as a page, too" }),
    json: flag("print one JSON document"),
  },
  async run({ options, positionals: [name = ""], terminal }) {
    if (name === "list") return list(terminal, options.json);
    const found = findScenario(name);
    const scenario = adjusted(found, options);
    const nodes = numberOf(scenario.stage["nodes"], 3);
    if (name === "leader-kill" && nodes < 3) {
      throw usageError(`--nodes must be an integer 3..7 for leader-kill: fewer cannot elect another (got ${nodes})`);
    }
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
    const directory = makeDirectory(options.data);
    const historyFile = join(directory, "history.jsonl");
    const tls = await clusterTls(options, directory);
    const timers = timersOf(options.timers, scenario);
    const stop = stopSignal();
    terminal.err(`${scenario.name}: ${nodes} members, ${scenario.load.clients} clients, data in ${directory}`);

    const [{ runDrill }, { nodeRuntime }, { clusterStage }] = await Promise.all([
      import("holdfast/proof"),
      import("holdfast/runtime"),
      import("../drill/cluster-stage.ts"),
    ]);
    const plan = await planOnFreePorts({ nodes, directory, timers, tls });
    const saveHistory = (history: string): void => writeFileSync(historyFile, history);
    const stage = clusterStage({ plan, scenario, seed, saveHistory });
    const report = await explained(name, () =>
      runDrill({
        scenario,
        stage,
        clock: nodeRuntime().clock,
        signal: stop,
        onEvent: ({ atMs, text: line }) => terminal.err(`${(atMs / 1000).toFixed(1).padStart(6)} s  ${line}`),
      }),
    );
    const passed = report.verdict === "passed";
    const kept = !passed || options.keep;
    if (!kept) removeData(directory, options.data, historyFile, nodes);
    const history = kept ? historyFile : null;
    await writeReports(report, options);
    if (options.json) terminal.document({ ...report, seed, history });
    else for (const line of renderDrill(report, terminal.style)) terminal.out(line);
    if (kept) terminal.err(`History: npx holdfast check ${historyFile}`);
    terminal.err(`Repeat: npx holdfast drill ${name}${again(options)} --seed ${seed}${tlsAgain(options)}`);
    return passed ? exitCodes.ok : exitCodes.failed;
  },
});

interface Adjustments {
  readonly nodes: number | undefined;
  readonly runs: number | undefined;
  readonly seconds: number | undefined;
  readonly clients: number | undefined;
}

/** A scenario with what the line says in place of its own. */
function adjusted(scenario: DrillScenario, { nodes, runs, seconds, clients }: Adjustments): DrillScenario {
  const { load, stage, rounds } = scenario;
  return {
    ...scenario,
    stage: nodes === undefined ? stage : { ...stage, nodes },
    rounds: runs ?? rounds,
    load: {
      ...load,
      ...(seconds === undefined ? {} : { forMs: seconds * 1000 }),
      ...(clients === undefined ? {} : { clients }),
    },
  };
}

function again(options: Adjustments & { readonly timers: TimerPreset }): string {
  const given = (["nodes", "runs", "seconds", "clients"] as const)
    .filter((name) => options[name] !== undefined)
    .map((name) => ` --${name} ${options[name]}`);
  return `${given.join("")}${options.timers === "standard" ? "" : ` --timers ${options.timers}`}`;
}

function timersOf(given: TimerPreset, { stage: { timers } }: DrillScenario): TimerPreset {
  return given === "standard" ? (timerPresets.find((preset) => preset === timers) ?? given) : given;
}

const numberOf = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);

function list(terminal: Terminal, json: boolean): ExitCode {
  if (json) terminal.document({ drills: drills.map((drill) => ({ name: drill.name, summary: drill.summary })) });
  else for (const drill of drills) terminal.out(`${drill.name.padEnd(18)}${drill.summary}`);
  return exitCodes.ok;
}

/** A built-in drill, or what a file says. @throws ExitError */
function findScenario(name: string): DrillScenario {
  const drill = drills.find((candidate) => candidate.name === name);
  if (drill !== undefined) return drill;
  if (!/\.(ya?ml|json)$/.test(name)) throw unknownDrill(name);
  let written: string;
  try {
    written = readFileSync(name, "utf8");
  } catch (error) {
    throw environmentError(`${name} cannot be read: ${(error as Error).message}`, error);
  }
  return checkStage(readScenario(written, basename(name)), name);
}

/** @throws ExitError (usage) */
function checkStage(scenario: DrillScenario, file: string): DrillScenario {
  const { kind = "cluster", nodes = 3, timers = "standard", ...others } = scenario.stage;
  const [stranger] = Object.keys(others);
  const refuse = (rule: string): never => {
    throw usageError(`${file}: stage.${rule}`);
  };
  if (stranger !== undefined) refuse(`${stranger} is no option; there are kind, nodes, timers`);
  if (kind !== "cluster") refuse(`kind must be "cluster" (got ${JSON.stringify(kind)})`);
  if (!(Number.isInteger(nodes) && Number(nodes) >= 1 && Number(nodes) <= 7)) {
    refuse(`nodes must be an integer 1..7 (got ${JSON.stringify(nodes)})`);
  }
  if (!timerPresets.some((preset) => preset === timers)) {
    refuse(`timers must be one of ${timerPresets.join(", ")} (got ${JSON.stringify(timers)})`);
  }
  return scenario;
}

/** What the stage refuses before anything has begun is a mistake of the scenario. */
async function explained<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (InvalidArgumentError.is(error)) throw usageError(`${name}: ${error.message}`);
    throw error;
  }
}

function unknownDrill(name: string): Error {
  const names = drills.map((drill) => drill.name);
  const hint = nearest(name, names);
  return usageError(
    `unknown drill ${JSON.stringify(name)}; ${hint === undefined ? `there are ${names.join(", ")}` : `did you mean ${hint}?`}`,
  );
}

async function writeReports(
  report: DrillReport,
  { junit, html }: { readonly junit: string | undefined; readonly html: string | undefined },
): Promise<void> {
  if (junit === undefined && html === undefined) return;
  const { drillHtml, drillJUnit } = await import("holdfast/proof");
  for (const [file, content] of [[junit, drillJUnit] as const, [html, drillHtml] as const]) {
    if (file === undefined) continue;
    try {
      writeFileSync(file, content([report]));
    } catch (error) {
      throw environmentError(`the report ${file} cannot be written: ${(error as Error).message}`, error);
    }
  }
}

/** A new temporary directory, or the given one, which must not hold a cluster already. @throws ExitError (environment) */
function makeDirectory(given: string | undefined): string {
  if (given === undefined) return mkdtempSync(join(tmpdir(), "holdfast-drill-"));
  const directory = resolve(given);
  if (
    existsSync(join(directory, "n1")) ||
    existsSync(join(directory, "cluster.json")) ||
    existsSync(join(directory, certificatesName))
  ) {
    throw environmentError(`${directory} holds a cluster already; a drill starts with an empty one: --data DIR`);
  }
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "history.jsonl"), "");
  } catch (error) {
    throw environmentError(`the data directory ${directory} cannot be written: ${(error as Error).message}`, error);
  }
  return directory;
}

/** Removes what the drill made; of a directory the user named, nothing else. */
function removeData(directory: string, given: string | undefined, historyFile: string, nodes: number): void {
  if (given === undefined) return rmSync(directory, { recursive: true, force: true });
  rmSync(historyFile, { force: true });
  for (let number = 1; number <= nodes; number++) {
    rmSync(join(directory, `n${number}`), { recursive: true, force: true });
  }
  rmSync(join(directory, certificatesName), { recursive: true, force: true });
}
