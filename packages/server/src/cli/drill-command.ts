import { channel } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { InvalidArgumentError } from "holdfast/errors/base";
import type { DrillReport, DrillScenario, DrillStage } from "holdfast/proof";
import { drills } from "../drill/catalog.ts";
import type { Dependency, NamedDependency } from "../drill/dependency/dependency-call.ts";
import { chaosName, chaosSummary } from "../drill/chaos-scenario.ts";
import { makeDrillDirectory, type DrillDirectory } from "../drill/drill-directory.ts";
import { findScenario } from "../drill/find-scenario.ts";
import type { FoundScenario } from "../drill/read-scenario.ts";
import type { DrillRecording } from "../drill/drill-recording.ts";
import { renderDrill } from "../drill/render-drill.ts";
import type { ServiceSettings } from "../drill/service/service-settings.ts";
import type { RecordingFile } from "../recording/recording-file.ts";
import {
  memberPortStep,
  planCluster,
  timerPresets,
  type ClusterPlan,
  type TimerPreset,
} from "../supervisor/cluster-plan.ts";
import { planOnFreePorts } from "../supervisor/free-plan.ts";
import { describePortError, firstUnusablePort } from "../supervisor/port-check.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { chaosAgain, chaosOptions, drawChaos, printPlan, refuseChaosOptions } from "./chaos-options.ts";
import { clusterTls, clusterTlsOptions, tlsAgain, type ClusterTlsValues } from "./cluster-tls.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, usageError, type ExitCode } from "./exit.ts";
import { choice, flag, integer, text } from "./option.ts";
import { columns } from "./render-help.ts";
import { serviceAgain, serviceDrillOptions, serviceOf, withService } from "./service-drill-options.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

const maxNodes = 7;

export const drillCommand: Command = defineCommand({
  name: "drill",
  summary: "inject faults under load, and check that nothing is lost",
  examples: [
    "holdfast drill list",
    "holdfast drill leader-kill",
    "holdfast drill leader-kill --runs 20 --json",
    "holdfast drill partition-leader --nodes 5 --html report.html",
    "holdfast drill leader-kill --recording run.html",
    "holdfast drill dependency-down --service http://127.0.0.1:8080/orders --dependency postgresql=127.0.0.1:5432 \\",
    "  --through 15432   # of your own service, which reaches its database at 127.0.0.1:15432 meanwhile",
    "holdfast drill ./my-drill.yaml --junit results.xml",
    "holdfast drill chaos --seconds 60 --rates kill=4/min,partition=2/min --lasting 1s..5s --dry-run",
  ],
  positionals: [{ name: "NAME", help: "the drill, a file with one, chaos, or list" }],
  options: {
    nodes: integer({ min: 1, max: maxNodes, help: "members of the drill's own cluster (default the drill's own: 3)" }),
    runs: integer({ min: 1, max: 1000, help: "rounds of load and faults (default the drill's own: 1)" }),
    seconds: integer({ min: 1, max: 3600, help: "load in each run (default the drill's own)" }),
    clients: integer({
      min: 0,
      max: 64,
      help: "clients that write and read at the same time (default the drill's own)",
    }),
    timers: choice({
      choices: timerPresets,
      default: "standard",
      help: "how soon the members replace a leader that dies: fast is for round trips of a few milliseconds",
    }),
    seed: integer({ min: 0, max: Number.MAX_SAFE_INTEGER, help: "draws the same members again" }),
    ...serviceDrillOptions,
    protection: choice({
      choices: ["policies", "none"],
      default: "policies",
      help: "dependency-down: whether the service has its policies in place; without them it should not pass",
    }),
    port: integer({
      min: 1,
      max: 65_535 - maxNodes * memberPortStep,
      help: "the first member's client port, as of up (default drawn between 10000 and 30000)",
    }),
    ...chaosOptions,
    ...clusterTlsOptions,
    data: text({ placeholder: "DIR", help: "a directory for its data and history instead of a temporary one" }),
    keep: flag("keep data and history also when the drill passes"),
    junit: text({ placeholder: "FILE", help: "write the report as JUnit XML, too" }),
    html: text({ placeholder: "FILE", help: "write the report as a page, too" }),
    recording: text({
      placeholder: "FILE",
      help: "keep what the dashboard would show: a page that plays it (.html), or data (.json)",
    }),
    dashboard: integer({
      min: 0,
      max: 65_535,
      help: "show the drill on a page of this machine while it runs: its port, 0 for any free one",
    }),
    json: flag("print one JSON document"),
  },
  async run({ options, positionals: [name = ""], terminal }) {
    if (name === "list") return list(terminal, options.json);
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
    if (name !== chaosName) refuseChaosOptions(options);
    const chaos = name === chaosName ? drawChaos(options, seed) : undefined;
    if (options.dryRun && chaos !== undefined) return printPlan(chaos, seed, options.json, terminal);
    const named = chaos === undefined ? findScenario(name) : { ...chaos, refuse: (error: unknown) => error as Error };
    const found = withService(name, named, options);
    const scenario = chaos === undefined ? adjusted(found.scenario, options) : found.scenario;
    const service = serviceOf(scenario, found, options);
    const nodes = numberOf(scenario.stage["nodes"], 3);
    if (name === "leader-kill" && nodes < 3) {
      throw usageError(`--nodes must be an integer 3..7 for leader-kill: fewer cannot elect another (got ${nodes})`);
    }
    const recordTo = await recordingAt(options.recording);
    const directory = makeDrillDirectory(options.data);
    const stop = stopSignal();
    let recording: DrillRecording | undefined;
    const onSupervisor = (supervisor: Supervisor): void => recording?.supervise(supervisor);
    const { stage, plan } = await makeStage(scenario, { ...options, nodes, seed, directory, service, onSupervisor });
    const load = service === undefined ? `${scenario.load.clients} clients` : describeLoad(service);
    terminal.err(`${scenario.name}: ${load}, data in ${directory.path}`);

    const [{ runDrill }, { nodeRuntime }, { createTelemetry }] = await Promise.all([
      import("holdfast/proof"),
      import("holdfast/runtime"),
      import("holdfast/telemetry"),
    ]);
    const { clock } = nodeRuntime();
    const telemetry = createTelemetry({ clock, nodeId: "drill", channel });
    const command = `npx holdfast drill ${name}${again(options)}${serviceAgain(options)}${chaosAgain(options)} --seed ${seed}${tlsAgain(options)}`;
    if (recordTo !== undefined || options.dashboard !== undefined) {
      const { recordDrill } = await import("../drill/drill-recording.ts");
      recording = recordDrill({ scenario, title: `${scenario.name}, seed ${seed}`, command, telemetry, plan });
    }
    if (recording !== undefined && options.dashboard !== undefined) {
      terminal.err(`Dashboard  ${await servedAt(recording, options.dashboard)}`);
    }
    const report = await explained(found, directory, () =>
      runDrill({
        scenario,
        stage,
        clock,
        signal: stop,
        telemetry,
        onEvent: ({ atMs, text: line }) => terminal.err(`${(atMs / 1000).toFixed(1).padStart(6)} s  ${line}`),
      }),
    ).catch(async (error: unknown) => {
      await recording?.close();
      throw error;
    });
    const recorded = await recording?.finish(report);
    const passed = report.verdict === "passed";
    const kept = !passed || options.keep;
    if (!kept) directory.remove();
    const history = kept && (scenario.stage["kind"] ?? "cluster") === "cluster" ? directory.historyFile : null;
    await writeReports(report, options);
    if (recordTo !== undefined && recorded !== undefined) terminal.err(recordTo.write(recorded));
    if (options.json) terminal.document({ ...report, seed, history });
    else for (const line of renderDrill(report, terminal.style)) terminal.out(line);
    if (history !== null) terminal.err(`History: npx holdfast check ${history}`);
    terminal.err(`Repeat: ${command}`);
    return passed ? exitCodes.ok : exitCodes.failed;
  },
});

/** What the drill happens to. */
async function makeStage(
  scenario: DrillScenario,
  options: ClusterTlsValues & {
    readonly nodes: number;
    readonly timers: TimerPreset;
    readonly seed: number;
    readonly directory: DrillDirectory;
    readonly dependency: NamedDependency | undefined;
    readonly service: ServiceSettings | undefined;
    readonly protection: "policies" | "none";
    readonly port: number | undefined;
    readonly onSupervisor: (supervisor: Supervisor) => void;
  },
): Promise<{ readonly stage: DrillStage; readonly plan?: ClusterPlan }> {
  if (scenario.stage["kind"] === "dependency") {
    const { dependencyStage } = await import("../drill/dependency/dependency-stage.ts");
    const isProtected = options.protection === "policies" && scenario.stage["protected"] !== false;
    return { stage: dependencyStage({ upstream: askable(options.dependency, options.directory), isProtected }) };
  }
  if (options.service !== undefined) {
    const { serviceStage } = await import("../drill/service/service-stage.ts");
    return { stage: serviceStage({ settings: options.service, seed: options.seed }) };
  }
  if (scenario.stage["kind"] === "table-loss") {
    return { stage: await (await import("../drill/table-loss/make-stage.ts")).makeTableLossStage(scenario, options) };
  }
  const { nodes, seed, directory, onSupervisor } = options;
  const tls = await clusterTls(options, directory.path);
  const timers = timersOf(options.timers, scenario);
  const { port } = options;
  const wanted = { nodes, directory: directory.path, timers, tls };
  const plan = port === undefined ? await planOnFreePorts(wanted) : await planAt({ ...wanted, port }, directory);
  const { clusterStage } = await import("../drill/cluster-stage.ts");
  const saveHistory = (history: string): void => writeFileSync(directory.historyFile, history);
  return { stage: clusterStage({ plan, scenario, seed, saveHistory, onSupervisor }), plan };
}

/** One whose answers are known. @throws ExitError (usage) */
function askable(given: NamedDependency | undefined, directory: DrillDirectory): Dependency | undefined {
  if (given === undefined) return undefined;
  const { address, protocol } = given;
  if (protocol !== undefined) return { address, protocol };
  directory.remove();
  throw usageError(`--dependency ${given.name} must be redis, postgresql or http without --service`);
}

function describeLoad({ ratePerSecond, method, url, dependency, through }: ServiceSettings): string {
  return `${ratePerSecond} calls a second of ${method} ${url.href}, ${dependency.name} at 127.0.0.1:${through}`;
}

/** @throws ExitError (environment) when one of its ports cannot be had */
async function planAt(wanted: Parameters<typeof planCluster>[0], directory: DrillDirectory): Promise<ClusterPlan> {
  const plan = planCluster(wanted);
  const taken = await firstUnusablePort(plan);
  if (taken === undefined) return plan;
  directory.remove();
  const why = describePortError(taken.address, taken.error);
  throw environmentError(`${taken.member} cannot start: ${why}; choose another --port, or none`);
}

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

function again(
  options: Adjustments & {
    readonly timers: TimerPreset;
    readonly port: number | undefined;
    readonly protection: "policies" | "none";
  },
): string {
  const given = (["nodes", "runs", "seconds", "clients", "port"] as const)
    .filter((name) => options[name] !== undefined)
    .map((name) => ` --${name} ${options[name]}`);
  const timers = options.timers === "standard" ? "" : ` --timers ${options.timers}`;
  return `${given.join("")}${timers}${options.protection === "policies" ? "" : " --protection none"}`;
}

function timersOf(given: TimerPreset, { stage: { timers } }: DrillScenario): TimerPreset {
  return given === "standard" ? (timerPresets.find((preset) => preset === timers) ?? given) : given;
}

const numberOf = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);

function list(terminal: Terminal, json: boolean): ExitCode {
  const listed = [...drills.map((drill) => ({ name: drill.name, summary: drill.summary })), chaosSummary];
  if (json) terminal.document({ drills: listed });
  else {
    const rows = listed.map((drill): [string, string] => [drill.name, drill.summary]);
    // A line each for programs that read it.
    for (const line of columns(rows, terminal.live ? terminal.columns : Infinity)) terminal.out(line.slice(2));
  }
  return exitCodes.ok;
}

/** What the stage refuses before anything has begun is a mistake of the scenario. */
async function explained<T>(
  { refuse }: Pick<FoundScenario, "refuse">,
  directory: DrillDirectory,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!InvalidArgumentError.is(error)) throw error;
    directory.remove();
    throw refuse(error);
  }
}

/** @throws ExitError when the port is taken */
async function servedAt(recording: DrillRecording, port: number): Promise<string> {
  try {
    return await recording.serve(port);
  } catch (error) {
    await recording.close();
    const reason = describePortError({ host: "127.0.0.1", port }, error as NodeJS.ErrnoException);
    throw environmentError(`--dashboard ${port}: ${reason}`, error);
  }
}

/** @throws ExitError when no recording can be written there */
async function recordingAt(path: string | undefined): Promise<RecordingFile | undefined> {
  if (path === undefined) return undefined;
  return (await import("../recording/recording-file.ts")).recordingFile(path);
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
