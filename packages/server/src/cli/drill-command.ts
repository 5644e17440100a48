import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { drills } from "../drill/catalog.ts";
import type { DrillReport } from "../drill/drill-report.ts";
import type { KillDrill } from "../drill/kill-drill.ts";
import { timerPresets } from "../supervisor/cluster-plan.ts";
import { planOnFreePorts } from "../supervisor/free-plan.ts";
import { certificatesName, clusterTls, clusterTlsOptions, tlsAgain } from "./cluster-tls.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, usageError, type ExitCode } from "./exit.ts";
import { choice, flag, integer, text } from "./option.ts";
import { nearest } from "./parse-line.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

const defaults = { nodes: 3, runs: 1, seconds: 5, clients: 8, timers: "standard" } as const;

export const drillCommand: Command = defineCommand({
  name: "drill",
  summary: "inject a fault under load, and check that nothing is lost",
  examples: [
    "holdfast drill list",
    "holdfast drill leader-kill",
    "holdfast drill leader-kill --runs 20 --json",
    "holdfast drill cluster-kill --nodes 5 --seconds 10",
  ],
  positionals: [{ name: "NAME", help: "the drill, or list" }],
  options: {
    nodes: integer({ min: 1, max: 7, default: defaults.nodes, help: "members of the drill's own cluster" }),
    runs: integer({ min: 1, max: 1000, default: defaults.runs, help: "faults, one after the other" }),
    seconds: integer({ min: 1, max: 3600, default: defaults.seconds, help: "load in each run" }),
    clients: integer({
      min: 1,
      max: 64,
      default: defaults.clients,
      help: "clients that write and read at the same time",
    }),
    timers: choice({
      choices: timerPresets,
      default: defaults.timers,
      help: "how soon the members replace a leader that dies: fast is for round trips of a few milliseconds",
    }),
    ...clusterTlsOptions,
    data: text({ placeholder: "DIR", help: "a directory for its data and history instead of a temporary one" }),
    keep: flag("keep data and history also when the drill passes"),
    json: flag("print one JSON document"),
  },
  async run({ options, positionals: [name = ""], terminal }) {
    if (name === "list") return list(terminal, options.json);
    const drill = drills.find((candidate) => candidate.name === name);
    if (drill === undefined) throw unknownDrill(name);
    if (name === "leader-kill" && options.nodes < 3) {
      throw usageError(
        `--nodes must be an integer 3..7 for leader-kill: fewer cannot elect another (got ${options.nodes})`,
      );
    }
    const directory = makeDirectory(options.data);
    const historyFile = join(directory, "history.jsonl");
    const again = (["nodes", "runs", "seconds", "clients", "timers"] as const)
      .filter((option) => options[option] !== defaults[option])
      .map((option) => ` --${option} ${options[option]}`)
      .join("");
    const tls = await clusterTls(options, directory);
    const stop = stopSignal();
    terminal.err(`${name}: ${options.nodes} members, ${options.clients} clients, data in ${directory}`);

    const { runKillDrill } = await import("../drill/kill-drill.ts");
    const report = await runKillDrill(drill, {
      plan: await planOnFreePorts({ nodes: options.nodes, directory, timers: options.timers, tls }),
      runs: options.runs,
      seconds: options.seconds,
      clients: options.clients,
      stop,
      say: (line) => terminal.err(line),
      saveHistory: (history) => writeFileSync(historyFile, history),
    });
    const passed = report.verdict === "passed";
    const kept = !passed || options.keep;
    if (!kept) removeData(directory, options.data, historyFile, options.nodes);
    const complete: DrillReport = { ...report, history: kept ? historyFile : null };
    if (options.json) terminal.document(complete);
    else for (const line of renderReport(complete, terminal.style)) terminal.out(line);
    if (kept) terminal.err(`History: npx holdfast check ${historyFile}`);
    terminal.err(`Repeat: npx holdfast drill ${name}${again}${tlsAgain(options)}`);
    return passed ? exitCodes.ok : exitCodes.failed;
  },
});

function list(terminal: Terminal, json: boolean): ExitCode {
  if (json) terminal.document({ drills: drills.map((drill) => ({ name: drill.name, summary: drill.summary })) });
  else for (const drill of drills) terminal.out(`${drill.name.padEnd(14)}${drill.summary}`);
  return exitCodes.ok;
}

function unknownDrill(name: string): Error {
  const names = drills.map((drill: KillDrill) => drill.name);
  const hint = nearest(name, names);
  return usageError(
    `unknown drill ${JSON.stringify(name)}; ${hint === undefined ? `there are ${names.join(", ")}` : `did you mean ${hint}?`}`,
  );
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

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const verdictStyle = { passed: "green", failed: "red", timeout: "red", inconclusive: "yellow" } as const;
const verdictGlyph = { passed: "✓", failed: "✕", timeout: "✕", inconclusive: "?" } as const;

export function renderReport(report: DrillReport, style: Terminal["style"]): string[] {
  const { measures: m, verdict } = report;
  const ms = (value: number | null): string => (value === null ? "-" : `${value} ms`);
  const answer = { true: "yes", false: "NO", null: "not decided" }[String(m.linearizable) as "true" | "false" | "null"];
  const rows: readonly (readonly [string, string])[] = [
    ["Faults", `${count(report.faults.length, "kill")} in ${count(m.runs, "run")}`],
    ["Operations", `${m.operations}, ${m.acknowledgedWrites} writes acknowledged, ${m.unknownWrites} unknown`],
    ["Lost writes", m.lostWrites === null ? "not known" : String(m.lostWrites)],
    ["Linearizable", answer],
    ["No service for", m.runs > 1 ? `${ms(m.medianGapMs)} (median), ${ms(m.worstGapMs)} (worst)` : ms(m.gapMs)],
    ["Converged in", ms(m.convergedMs)],
  ];
  const headline = style(verdictStyle[verdict], `${verdictGlyph[verdict]} ${verdict}`);
  return [
    ...rows.map(([label, value]) => `${style("dim", label.padEnd(16))}${value}`),
    `${headline}: ${report.drill}${report.reason === "" ? "" : `: ${report.reason}`}`,
  ];
}
