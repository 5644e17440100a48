import { userInfo } from "node:os";
import type { Coordination } from "holdfast/coordination";
import {
  createOrchestrator,
  dryRunOf,
  planDesk,
  planParameters,
  planSchema,
  submitPlan,
  type CompiledPlan,
  type JsonValue,
  type PlanDesk,
  type StepExecutor,
} from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { checkingExecutors, planExecutors, type ExecutorRights } from "../plans/plan-executors.ts";
import { readServicesFile } from "../plans/services-file.ts";
import { describeFact, renderDryRun, renderList, renderReport } from "../plans/render-plan.ts";
import { askCluster, clientOptions, explainClientError } from "./ask-cluster.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, usageError, type ExitCode } from "./exit.ts";
import { flag, integer, text, type Option, type OptionValues } from "./option.ts";
import { connectHome } from "./plan-home.ts";
import { runWorker } from "./plan-worker.ts";
import { readPlanFile } from "./read-plan-file.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

type Parameters = Readonly<Record<string, JsonValue>>;

const set: Option<Parameters> = {
  placeholder: "NAME=VALUE,…",
  help: "run, submit: the plan's parameters; numbers, true and false are read as such",
  default: {},
  defaultText: "none",
  read: (value, source) => Object.fromEntries(value.split(",").map((part) => readPair(part, source))),
};

const types: Option<readonly string[]> = {
  placeholder: "TYPE,TYPE",
  help: "validate, submit: step types that your own orchestrators run",
  default: [],
  defaultText: "none",
  read: (value) => value.split(",").map((type) => type.trim()),
};

function names(help: string, placeholder: string): Option<readonly string[] | undefined> {
  return { placeholder, help, read: (value) => value.split(",").map((name) => name.trim()) };
}

const options = {
  set,
  types,
  plans: names("worker: plans that it must be able to run; those of a directory, too", "FILE,DIR,…"),
  allow: names("worker, run: programs that steps may run; default: none for worker, any for run", "PROGRAM,…"),
  environment: names(
    "worker, run: variables that programs get and steps may set, beside PATH, HOME and such",
    "NAME,…",
  ),
  files: names("worker, run: below which directories steps may change files; default: none", "DIR,…"),
  services: text({ placeholder: "FILE", help: "worker, run: services that steps may restart" }),
  drainMs: integer({
    min: 0,
    max: 86_400_000,
    default: 30_000,
    help: "worker: how long steps under way may take to end when it is told to stop",
  }),
  dryRun: flag("run: print the order, and do nothing"),
  id: text({ placeholder: "ID", help: "run, submit: names the execution; the same name again goes on with it" }),
  ttlSeconds: integer({
    min: 1,
    max: 3600,
    default: 10,
    help: "run, worker: others take over after so long without news of it",
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
  submit: { needs: ["FILE"], run: submit },
  worker: { needs: [], run: worker },
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
    "holdfast plan worker --plans plans/ --allow pg_dump,/opt/site/switch.sh --services services.yaml",
    "holdfast plan submit restore.yaml --set region=eu",
    "holdfast plan list",
    "holdfast plan status restore-1x2y3z",
    "holdfast plan approve restore-1x2y3z sign-off --comment 'checked the backup'",
    "holdfast plan cancel restore-1x2y3z",
    "holdfast plan schema > plan.schema.json",
  ],
  positionals: [
    { name: "ACTION", help: Object.keys(actions).join(", ") },
    { name: "SUBJECT", help: "the plan's FILE for validate, run and submit, else the execution's ID", optional: true },
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
  const plan = readPlanFile(subject, checkingExecutors(types), terminal, json);
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
    const plan = readPlanFile(subject, checkingExecutors([]), terminal, json);
    if (plan === undefined) return exitCodes.failed;
    const order = dryRunOf(plan, planParameters(plan.document, options.set));
    if (json) terminal.document(order);
    else for (const line of renderDryRun(order, terminal.style)) terminal.out(line);
    return exitCodes.ok;
  }
  const { allow = "any", environment, files: roots = [] } = options;
  const services = options.services === undefined ? undefined : readServicesFile(options.services, () => undefined);
  if (services?.supervisor !== undefined) {
    throw usageError("--services: services that are run here need plan worker; run has systemd and kubernetes");
  }
  const { coordination } = await connectHome(options, "run");
  try {
    const rights: ExecutorRights = { allow, environment, roots, services: services?.control };
    const executors = planExecutors(coordination, nodeRuntime().network, rights);
    const plan = readPlanFile(subject, executors, terminal, json);
    return plan === undefined ? exitCodes.failed : await execute(plan, coordination, executors, options, terminal);
  } finally {
    await coordination.close();
  }
}

async function submit({ options, subject, terminal }: PlanCall): Promise<ExitCode> {
  const { set, id, types, json } = options;
  const plan = readPlanFile(subject, checkingExecutors(types), terminal, json);
  if (plan === undefined) return exitCodes.failed;
  const { coordination } = await connectHome(options, "submit");
  try {
    const named = id === undefined ? {} : { id };
    const execution = await submitPlan(coordination, plan, { parameters: set, ...named });
    if (json) terminal.document({ execution, plan: plan.document.id });
    else terminal.out(`submitted ${execution}; see: npx holdfast plan status ${execution}`);
    return exitCodes.ok;
  } finally {
    await coordination.close();
  }
}

function worker({ options, terminal }: PlanCall): Promise<ExitCode> {
  const { plans = [], files = [] } = options;
  return runWorker({ ...options, plans, files }, terminal);
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
