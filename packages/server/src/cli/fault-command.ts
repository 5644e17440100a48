import type { FaultParameters, HealReport, LiveFault } from "holdfast/proof";
import { askFaults, askWhoKnows, type FaultClientOptions } from "../faults/fault-client.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, failure, usageError, type ExitCode } from "./exit.ts";
import { flag, integer, text, type Option, type OptionValues } from "./option.ts";
import { printable, type Terminal } from "./terminal.ts";

const actions = ["add", "list", "remove", "heal"] as const;
/** Those that strike this machine themselves, without a proxy. */
const localActions = ["process", "clock", "pressure", "disk"] as const;

/** What the interface tells of itself. */
interface FaultList {
  readonly targets: readonly { readonly name: string; readonly kinds: readonly string[] }[];
  readonly faults: readonly LiveFault[];
}

const api: Option<readonly string[]> = {
  placeholder: "URL,URL",
  help: "where faults are served: list and heal ask all of them",
  default: ["http://127.0.0.1:8474"],
  defaultText: "http://127.0.0.1:8474",
  environment: "HOLDFAST_FAULTS_API",
  read: (value, source) =>
    value.split(",").map((part) => {
      const url = URL.canParse(part.trim()) ? new URL(part.trim()) : undefined;
      if (url?.protocol === "http:" && url.pathname === "/" && url.hostname !== "") return url.origin;
      throw usageError(
        `${source} must be URLs like http://127.0.0.1:8474, separated by commas (got ${JSON.stringify(part)})`,
      );
    }),
};

const set: Option<FaultParameters> = {
  placeholder: "NAME=VALUE,…",
  help: "add: its parameters",
  default: {},
  defaultText: "none",
  read: (value, source) => {
    const entries = value.split(",").map((part): [string, number | string | boolean] => {
      const [, name, given] = /^\s*(\w+)=(.*)$/.exec(part) ?? [];
      if (name === undefined || given === undefined || given === "") {
        throw usageError(`${source} must be NAME=VALUE, separated by commas (got ${JSON.stringify(part)})`);
      }
      return [name, readValue(given)];
    });
    return Object.fromEntries(entries);
  },
};

function readValue(given: string): number | string | boolean {
  if (given === "true" || given === "false") return given === "true";
  return /^-?\d+(?:\.\d+)?$/.test(given) ? Number(given) : given;
}

const options = {
  set,
  durationMs: integer({ min: 1, max: 86_400_000, default: 60_000, help: "add: it ends by itself after this" }),
  id: text({ placeholder: "ID", help: "add: its name" }),
  api,
  token: text({ environment: "HOLDFAST_FAULTS_TOKEN", help: "what the interface asks for" }),
  timeoutMs: integer({ min: 1, max: 3_600_000, default: 5_000, help: "give up after so many milliseconds" }),
  json: flag("print one JSON document"),
};

export const faultCommand: Command = defineCommand({
  name: "fault",
  summary: "live faults: add, list, remove, heal; of processes, clocks, disks and the machine",
  examples: [
    "holdfast fault add proxy delay --set delayMs=100,jitterMs=20 --duration-ms 30000",
    "holdfast fault add proxy blackHole --set direction=down,toxicity=0.5",
    "holdfast fault list",
    "holdfast fault remove delay-1",
    "holdfast fault heal   # ends all of them",
    "holdfast fault process 4242 pause --duration-ms 5000",
    "holdfast fault clock 4242 clockSkew --set byMs=-3600000",
    "holdfast fault pressure cpu --set share=0.8",
    "holdfast fault disk /var/lib/service fullDisk",
  ],
  positionals: [
    { name: "ACTION", help: "add, list, remove or heal; process, clock, pressure or disk" },
    { name: "TARGET", help: "what it strikes: a name, a PID, a directory; remove: the fault's id", optional: true },
    { name: "KIND", help: "what goes wrong; add: also by Toxiproxy's name", optional: true },
  ],
  options,
  async run({ options, positionals: [action = "", target, kind], terminal }) {
    const local = localActions.find((candidate) => candidate === action);
    if (local !== undefined) return strikeHere(local, [target, kind], options, terminal);
    const known = actions.find((candidate) => candidate === action);
    if (known === undefined) {
      const all = [...actions, ...localActions].join(", ");
      throw usageError(`ACTION must be one of ${all} (got ${JSON.stringify(action)})`);
    }
    const wanted = { add: 2, list: 0, remove: 1, heal: 0 }[known];
    const given = [target, kind].filter((argument) => argument !== undefined);
    if (given.length > wanted) throw usageError(`unexpected argument ${JSON.stringify(given[wanted])}`);
    if (given.length < wanted) {
      throw usageError(known === "add" ? "add needs TARGET and KIND" : "remove needs the fault's ID");
    }
    const at = options.api.map((url) => ({ url, token: options.token, timeoutMs: options.timeoutMs }));
    const show = { terminal, json: options.json };
    if (known === "list") return list(at, show);
    if (known === "heal") return heal(at, show);
    if (known === "remove") {
      const fault = (await askWhoKnows(at, "DELETE", `/${encodeURIComponent(target ?? "")}`)) as LiveFault;
      return tell(show, fault, `${fault.id} is gone; it struck ${fault.struck ?? "an unknown number of"} times`);
    }
    const { set: parameters, durationMs, id } = options;
    const request = { target, kind, parameters, durationMs, ...(id === undefined ? {} : { id }) };
    const fault = (await askWhoKnows(at, "POST", "", request)) as LiveFault;
    return tell(show, fault, `${fault.id} strikes ${fault.target} for ${fault.durationMs} ms`);
  },
});

async function strikeHere(
  group: (typeof localActions)[number],
  given: readonly (string | undefined)[],
  { set: parameters, durationMs, id, api: urls, token, json }: OptionValues<typeof options>,
  terminal: Terminal,
): Promise<ExitCode> {
  const words = given.filter((word) => word !== undefined);
  const wanted = group === "pressure" ? ["KIND"] : [group === "disk" ? "a directory or PID" : "PID", "KIND"];
  if (words.length > wanted.length) throw usageError(`unexpected argument ${JSON.stringify(words[wanted.length])}`);
  if (words.length < wanted.length) throw usageError(`${group} needs ${wanted.join(" and ")}`);
  const [url, ...more] = urls;
  if (url === undefined || more.length > 0) throw usageError(`${group} serves at one --api URL`);
  // Only who asks for it loads it.
  const { strikeLocally } = await import("./local-fault.ts");
  const where = words.length === 2 ? words[0] : undefined;
  const kind = words.at(-1)!;
  return strikeLocally({ group, where, kind, parameters, durationMs, id, url, token }, { terminal, json });
}

interface Show {
  readonly terminal: Terminal;
  readonly json: boolean;
}

function tell({ terminal, json }: Show, fault: LiveFault, line: string): ExitCode {
  if (json) terminal.document(fault);
  else terminal.out(printable(line));
  return exitCodes.ok;
}

async function list(at: readonly FaultClientOptions[], { terminal, json }: Show): Promise<ExitCode> {
  const lists = (await Promise.all(at.map((one) => askFaults(one, "GET", "")))) as FaultList[];
  const targets = lists.flatMap((one) => one.targets);
  const faults = lists.flatMap((one) => one.faults);
  if (json) terminal.document({ targets, faults });
  else for (const line of renderFaults({ targets, faults }, terminal.style)) terminal.out(line);
  return exitCodes.ok;
}

async function heal(at: readonly FaultClientOptions[], { terminal, json }: Show): Promise<ExitCode> {
  // All of them first: one that does not answer must not keep the others ill.
  const answers = await Promise.allSettled(at.map((one) => askFaults(one, "POST", "/heal")));
  const reports = answers.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value as HealReport;
  });
  const removed = reports.flatMap((report) => report.removed);
  const stuck = reports.flatMap((report) => report.stuck);
  if (json) terminal.document({ removed, stuck });
  if (stuck.length > 0) {
    const [first] = stuck;
    const message = `${stuck.length} faults resist, and are tried again: ${first?.id}: ${first?.error}`;
    if (json) terminal.err(printable(message));
    else throw failure(printable(message));
    return exitCodes.failed;
  }
  if (!json)
    terminal.out(
      removed.length === 0
        ? "nothing to heal"
        : `${removed.length} ${removed.length === 1 ? "fault" : "faults"} taken back`,
    );
  return exitCodes.ok;
}

export function renderFaults({ targets, faults }: FaultList, style: Terminal["style"]): string[] {
  const rows = faults.map(({ id, target, kind, parameters, state, struck, error }) => {
    const values = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    return [id, target, kind, error ?? state, String(struck ?? "-"), values.join(",") || "-"].map(printable);
  });
  const header = ["ID", "TARGET", "KIND", "STATE", "STRUCK", "PARAMETERS"];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return [
    ...targets.map(({ name, kinds }) => printable(`${name} agrees to ${kinds.join(", ")}`)),
    ...(rows.length === 0 ? ["no faults go on"] : [style("dim", line(header)), ...rows.map(line)]),
  ];
}
