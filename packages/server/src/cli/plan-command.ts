import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { remoteCoordination, type Coordination } from "holdfast/coordination";
import {
  compilePlan,
  configurationUpdate,
  createOrchestrator,
  customExecutor,
  dryRunOf,
  executorTable,
  healthCheck,
  planDesk,
  PlanError,
  planParameters,
  planSchema,
  type CompiledPlan,
  type JsonValue,
  type PlanDesk,
  type StepExecutor,
} from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { commandStep } from "../plans/command-step.ts";
import { readPlan } from "../plans/read-plan.ts";
import { describeFact, renderDryRun, renderList, renderReport } from "../plans/render-plan.ts";
import { askCluster, clientOptions, explainClientError } from "./ask-cluster.ts";
import { clientIdentity } from "./client-options.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, failure, usageError, type ExitCode } from "./exit.ts";
import { flag, integer, text, type Option, type OptionValues } from "./option.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

type Parameters = Readonly<Record<string, JsonValue>>;

const set: Option<Parameters> = {
  placeholder: "NAME=VALUE,…",
  help: "run: the plan's parameters; numbers, true and false are read as such",
  default: {},
  defaultText: "none",
  read: (value, source) => Object.fromEntries(value.split(",").map((part) => readPair(part, source))),
};

const types: Option<readonly string[]> = {
  placeholder: "TYPE,TYPE",
  help: "validate: step types that your own orchestrators run",
  default: [],
  defaultText: "none",
  read: (value) => value.split(",").map((type) => type.trim()),
};

const options = {
  set,
  types,
  dryRun: flag("run: print the order, and do nothing"),
  id: text({ placeholder: "ID", help: "run: names the execution; the same name again goes on with it" }),
  ttlSeconds: integer({
    min: 1,
    max: 3600,
    default: 10,
    help: "run: others take over after so long without news of it",
  }),
  by: text({ placeholder: "NAME", help: "cancel, approve, refuse: who decides; default: who you are here" }),
  comment: text({ placeholder: "TEXT", help: "cancel, approve, refuse: why" }),
  limit: integer({ min: 1, max: 10_000, default: 100, help: "list: at most so many" }),
  ...clientOptions,
};

interface PlanCall {
  readonly options: OptionValues<typeof options>;
  readonly subject: string;
  readonly step: string;
  readonly terminal: Terminal;
}

interface Action {
  /** What it needs, by name. */
  readonly needs: readonly string[];
  readonly run: (call: PlanCall) => ExitCode | Promise<ExitCode>;
}

const actions: Readonly<Record<string, Action>> = {
  validate: { needs: ["FILE"], run: validate },
  run: { needs: ["FILE"], run },
  status: { needs: ["ID"], run: status },
  history: { needs: ["ID"], run: history },
  list: { needs: [], run: list },
  cancel: { needs: ["ID"], run: cancel },
  approve: { needs: ["ID", "STEP"], run: (call) => decide(call, "approve") },
  refuse: { needs: ["ID", "STEP"], run: (call) => decide(call, "refuse") },
  schema: { needs: [], run: schema },
};

export const planCommand: Command = defineCommand({
  name: "plan",
  summary: "check and run recovery plans, watch, approve and cancel them",
  examples: [
    "holdfast plan validate restore.yaml",
    "holdfast plan run restore.yaml --set region=eu --dry-run",
    "holdfast plan run restore.yaml --set region=eu",
    "holdfast plan list",
    "holdfast plan status restore-1x2y3z",
    "holdfast plan approve restore-1x2y3z sign-off --comment 'checked the backup'",
    "holdfast plan cancel restore-1x2y3z",
    "holdfast plan schema > plan.schema.json",
  ],
  positionals: [
    { name: "ACTION", help: Object.keys(actions).join(", ") },
    { name: "SUBJECT", help: "the plan's FILE for validate and run, else the execution's ID", optional: true },
    { name: "STEP", help: "approve, refuse: the step that waits", optional: true },
  ],
  options,
  async run({ options, positionals: [name = "", ...given], terminal }) {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) {
      throw usageError(`ACTION must be one of ${Object.keys(actions).join(", ")} (got ${JSON.stringify(name)})`);
    }
    const missing = action.needs[given.length];
    if (missing !== undefined) throw usageError(`${name} needs ${action.needs.join(" and ")}`);
    const extra = given[action.needs.length];
    if (extra !== undefined) throw usageError(`unexpected argument ${JSON.stringify(extra)}`);
    const [subject = "", step = ""] = given;
    try {
      return await action.run({ options, subject, step, terminal });
    } catch (error) {
      throw explainClientError(error);
    }
  },
});

function validate({ options: { types, json }, subject, terminal }: PlanCall): ExitCode {
  const plan = readPlanFile(subject, executorsFor(undefined, types), terminal, json);
  if (plan === undefined) return exitCodes.failed;
  const { id, steps } = plan.document;
  if (json) terminal.document({ valid: true, plan: id, steps: steps.length, problems: [] });
  else terminal.out(`${subject} is a valid plan: ${id}, ${steps.length} step${steps.length === 1 ? "" : "s"}`);
  return exitCodes.ok;
}

function schema({ terminal }: PlanCall): ExitCode {
  terminal.document(planSchema);
  return exitCodes.ok;
}

async function run({ options, subject, terminal }: PlanCall): Promise<ExitCode> {
  const { json } = options;
  if (options.dryRun) {
    const plan = readPlanFile(subject, executorsFor(undefined, []), terminal, json);
    if (plan === undefined) return exitCodes.failed;
    const order = dryRunOf(plan, planParameters(plan.document, options.set));
    if (json) terminal.document(order);
    else for (const line of renderDryRun(order, terminal.style)) terminal.out(line);
    return exitCodes.ok;
  }
  const { endpoints, timeoutMs } = options;
  const { user, tls } = clientIdentity(options);
  if (tls !== undefined && !(tls.ca && tls.cert && tls.key)) {
    throw usageError("plan run over TLS needs --cacert, --cert and --key");
  }
  const { ca = "", cert = "", key = "" } = tls ?? {};
  const runtime = nodeRuntime(tls === undefined ? {} : { tls: { ca, cert, key } });
  // Nobody is there, or nobody lets us in: better said before than when the plan should run.
  await askCluster(options, (client) => client.range({ key: Buffer.from("recovery/"), countOnly: true }));
  const coordination = remoteCoordination({ runtime, endpoints, timeoutMs, ...(user && { credentials: user }) });
  try {
    const executors = executorsFor(coordination, []);
    const plan = readPlanFile(subject, executors, terminal, json);
    return plan === undefined ? exitCodes.failed : await execute(plan, coordination, executors, options, terminal);
  } finally {
    await coordination.close();
  }
}

async function execute(
  plan: CompiledPlan,
  coordination: Coordination,
  executors: readonly StepExecutor[],
  { set, id, ttlSeconds, json }: PlanCall["options"],
  terminal: Terminal,
): Promise<ExitCode> {
  const stop = stopSignal();
  const orchestrator = createOrchestrator({
    coordination,
    executors,
    name: who(),
    takesOver: false,
    ttlSeconds,
    onEvent: (event) => terminal.err(`${new Date(event.at).toISOString().slice(11, 23)}  ${describeFact(event)}`),
    onError: (error) => terminal.err(terminal.styleErr("red", error instanceof Error ? error.message : String(error))),
  });
  try {
    orchestrator.register(plan.document);
    const execution = await orchestrator.execute(plan.document.id, {
      parameters: set,
      ...(id === undefined ? {} : { id }),
    });
    terminal.err(`execution ${execution}`);
    stop.addEventListener("abort", () => {
      terminal.err("cancelling: what completed is undone; once more leaves it as it is");
      orchestrator.cancel(execution, { by: who(), reason: String(stop.reason) }).catch(() => undefined);
    });
    const report = await orchestrator.finished(execution);
    if (json) terminal.document(report);
    else for (const line of renderReport(report, terminal.style)) terminal.out(line);
    terminal.err(`History: npx holdfast plan history ${execution}`);
    return report.status === "completed" ? exitCodes.ok : exitCodes.failed;
  } finally {
    await orchestrator.close();
  }
}

async function status(call: PlanCall): Promise<ExitCode> {
  const { options, subject, terminal } = call;
  const report = await atDesk(call, (desk) => desk.status(subject));
  if (options.json) terminal.document(report);
  else for (const line of renderReport(report, terminal.style)) terminal.out(line);
  return exitCodes.ok;
}

async function history(call: PlanCall): Promise<ExitCode> {
  const { options, subject, terminal } = call;
  const facts = await atDesk(call, (desk) => desk.history(subject));
  if (options.json) terminal.document({ execution: subject, history: facts });
  else for (const fact of facts) terminal.out(`${new Date(fact.at).toISOString()}  ${describeFact(fact)}`);
  return exitCodes.ok;
}

async function list(call: PlanCall): Promise<ExitCode> {
  const { options, terminal } = call;
  const executions = await atDesk(call, (desk) => desk.list({ limit: options.limit }));
  if (options.json) terminal.document({ executions });
  else for (const line of renderList(executions, terminal.style)) terminal.out(line);
  if (executions.length === 0) terminal.err("no executions");
  return exitCodes.ok;
}

async function cancel(call: PlanCall): Promise<ExitCode> {
  const { options, subject, terminal } = call;
  const { comment, by = who(), json } = options;
  await atDesk(call, (desk) => desk.cancel(subject, { by, ...(comment === undefined ? {} : { reason: comment }) }));
  if (json) terminal.document({ execution: subject, asked: "cancel", by });
  else terminal.out(`asked to cancel ${subject}; see: npx holdfast plan status ${subject}`);
  return exitCodes.ok;
}

async function decide(call: PlanCall, what: "approve" | "refuse"): Promise<ExitCode> {
  const { options, subject, step, terminal } = call;
  const { comment, by = who(), json } = options;
  await atDesk(call, (desk) => desk[what](subject, step, { by, ...(comment === undefined ? {} : { comment }) }));
  if (json) terminal.document({ execution: subject, step, asked: what, by });
  else terminal.out(`${what === "approve" ? "approved" : "refused"} ${step} of ${subject}`);
  return exitCodes.ok;
}

function atDesk<T>({ options }: PlanCall, ask: (desk: PlanDesk) => Promise<T>): Promise<T> {
  return askCluster(options, (client) => ask(planDesk(client)));
}

/** A file's plan; undefined when it is not valid, and everything that is wrong was told with its line. */
function readPlanFile(
  file: string,
  executors: readonly StepExecutor[],
  terminal: Terminal,
  json: boolean,
): CompiledPlan | undefined {
  let content: string;
  try {
    content = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw environmentError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
  const read = readPlan(content);
  const refuse = (problems: readonly { readonly place: string; readonly path: string; readonly message: string }[]) => {
    if (json) terminal.document({ valid: false, problems });
    for (const { place, path, message } of problems) {
      terminal.err(`${file}:${place}: ${path === "" ? "" : `${path}: `}${message}`);
    }
    terminal.err(terminal.styleErr("red", `${file} is not a valid plan`));
    return undefined;
  };
  if ("length" in read) return refuse(read.map(({ place, message }) => ({ place, path: "", message })));
  try {
    return compilePlan(read.document, executorTable(executors));
  } catch (error) {
    if (!PlanError.is(error) || error.problems.length === 0) throw failure((error as Error).message, error);
    return refuse(error.problems.map(({ path, message }) => ({ place: read.placeOf(path), path, message })));
  }
}

/** What the command can run by itself; for what is only checked, also types that others run. */
function executorsFor(coordination: Coordination | undefined, types: readonly string[]): StepExecutor[] {
  const unreachable = (): never => {
    throw failure("this step is run by an orchestrator of your own");
  };
  const store = coordination ?? { range: unreachable, txn: unreachable };
  return [
    commandStep(),
    configurationUpdate({ coordination: store }),
    healthCheck({ fetch }),
    ...types.map((type) => customExecutor(type, unreachable)),
  ];
}

function readPair(part: string, source: string): [string, JsonValue] {
  const [, name, given] = /^\s*([\w.-]+)=(.*)$/s.exec(part) ?? [];
  if (name === undefined || given === undefined) {
    throw usageError(`${source} must be NAME=VALUE, separated by commas (got ${JSON.stringify(part)})`);
  }
  if (given === "true" || given === "false") return [name, given === "true"];
  return [name, /^-?\d+(?:\.\d+)?$/.test(given) ? Number(given) : given];
}

function who(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "?"}`;
  }
}
