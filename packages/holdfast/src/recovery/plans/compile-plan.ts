import { brokenRule, checkParameters } from "./parameter-rule.ts";
import {
  approvalType,
  noRollback,
  planDefaults,
  planLimits,
  type JsonValue,
  type Plan,
  type PlanAction,
  type PlanRetry,
  type PlanStep,
} from "./plan.ts";
import { PlanError, Problems, shown } from "./plan-error.ts";
import { ancestorsOf, findCycle, wavesOf, type StepGraph } from "./plan-graph.ts";
import { findReferences, type FoundReference } from "./plan-reference.ts";
import { planShape } from "./plan-schema.ts";
import { durationMs, join } from "./plan-shape.ts";
import type { StepExecutor } from "./step-executor.ts";

type Parameters = { readonly [name: string]: JsonValue };

export interface CompiledRetry {
  readonly attempts: number;
  readonly baseDelayMs: number;
  readonly multiplier: number;
  readonly maxDelayMs: number;
}

/** What is run: a step, or what undoes it. */
export interface CompiledAction {
  readonly id: string;
  readonly type: string;
  readonly parameters: Parameters;
  /** Infinity for an approval without a time of its own. */
  readonly timeoutMs: number;
  readonly retry: CompiledRetry;
  /** Whether a try that was interrupted may be made again. */
  readonly repeatable: boolean;
}

export interface CompiledStep extends CompiledAction {
  readonly dependsOn: readonly string[];
  /** What undoes it: a rollback step, or its own executor under its own id. Undefined when nothing has to be undone. */
  readonly undo: (CompiledAction & { readonly by: "step" | "executor" }) | undefined;
}

/** A plan that was checked, with its defaults and its names looked up. */
export interface CompiledPlan {
  readonly document: Plan;
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly steps: ReadonlyMap<string, CompiledStep>;
  /** The order in which steps may run: those of a wave together. */
  readonly waves: readonly (readonly string[])[];
}

/**
 * Checks a plan, all of it at once, against the executors that are there.
 *
 * @throws PlanError PLAN_INVALID with every problem and the path to it: `steps[2].dependsOn[0]: unknown step "dbrestore"`
 */
export function compilePlan(document: unknown, executors: ReadonlyMap<string, StepExecutor>): CompiledPlan {
  const problems = new Problems();
  planShape.check(document, "", problems);
  refuseIfAny(problems);
  const json = JSON.stringify(document);
  const bytes = new TextEncoder().encode(json).length;
  if (bytes > planLimits.maxBytes) {
    problems.add("", `the plan must not be larger than ${planLimits.maxBytes} bytes (got ${bytes})`);
    refuseIfAny(problems);
  }
  // A copy: what is checked here does not change afterwards.
  const plan = JSON.parse(json) as Plan;
  checkMeaning(plan, executors, problems);
  refuseIfAny(problems);
  const undoing = new Map((plan.rollbackSteps ?? []).map((action) => [action.id, action]));
  const graph = graphOf(plan);
  return {
    document: plan,
    timeoutMs: durationMs(plan.timeout ?? planDefaults.timeout),
    concurrency: plan.concurrency ?? planDefaults.concurrency,
    steps: new Map(plan.steps.map((step) => [step.id, compileStep(step, undoing, executors)])),
    waves: wavesOf(graph),
  };
}

function refuseIfAny(problems: Problems): void {
  if (problems.list.length > 0) throw new PlanError("PLAN_INVALID", { problems: problems.list });
}

function graphOf(plan: Plan): StepGraph {
  return new Map(plan.steps.map(({ id, dependsOn = [] }) => [id, dependsOn]));
}

function compileStep(
  step: PlanStep,
  undoing: ReadonlyMap<string, PlanAction>,
  executors: ReadonlyMap<string, StepExecutor>,
): CompiledStep {
  const action = compileAction(step, executors);
  const named = step.rollback === undefined ? undefined : undoing.get(step.rollback);
  const byItself = step.rollback === undefined && executors.get(step.type)?.rollback !== undefined;
  const undo = named
    ? { ...compileAction(named, executors), by: "step" as const }
    : byItself
      ? { ...action, by: "executor" as const }
      : undefined;
  return { ...action, dependsOn: step.dependsOn ?? [], undo };
}

function compileAction(action: PlanAction, executors: ReadonlyMap<string, StepExecutor>): CompiledAction {
  const isApproval = action.type === approvalType;
  const retry: Required<PlanRetry> = { ...planDefaults.retry, ...action.retry };
  const timeout = action.timeout ?? (isApproval ? undefined : planDefaults.stepTimeout);
  return {
    id: action.id,
    type: action.type,
    parameters: action.parameters ?? {},
    timeoutMs: timeout === undefined ? Infinity : durationMs(timeout),
    retry: {
      attempts: retry.attempts,
      baseDelayMs: durationMs(retry.baseDelay),
      multiplier: retry.multiplier,
      maxDelayMs: durationMs(retry.maxDelay),
    },
    repeatable: executors.get(action.type)?.repeatable ?? true,
  };
}

function checkMeaning(plan: Plan, executors: ReadonlyMap<string, StepExecutor>, problems: Problems): void {
  const { steps, rollbackSteps = [], parameters = {} } = plan;
  for (const [name, parameter] of Object.entries(parameters)) {
    if (parameter.default === undefined) continue;
    const broken = brokenRule({ type: parameter.type ?? "any" }, parameter.default);
    if (broken !== undefined) {
      problems.add(`parameters.${name}.default`, `${broken} (got ${shown(parameter.default)})`);
    }
  }
  const taken = new Set<string>();
  const actions: readonly (readonly [string, PlanAction])[] = [
    ...steps.map((step, at) => [`steps[${at}]`, step] as const),
    ...rollbackSteps.map((step, at) => [`rollbackSteps[${at}]`, step] as const),
  ];
  for (const [path, { id }] of actions) {
    if (taken.has(id)) problems.add(`${path}.id`, `${shown(id)} is taken by another step`);
    taken.add(id);
  }
  checkDependencies(plan, problems);
  checkRollbacks(plan, executors, problems);
  for (const [path, action] of actions) checkExecutor(path, action, executors, problems);
  checkReferences(plan, executors, problems);
}

function checkDependencies(plan: Plan, problems: Problems): void {
  const graph = graphOf(plan);
  for (const [at, { dependsOn = [] }] of plan.steps.entries()) {
    for (const [index, need] of dependsOn.entries()) {
      const path = `steps[${at}].dependsOn[${index}]`;
      if (!graph.has(need)) problems.add(path, `unknown step ${shown(need)}`);
      else if (dependsOn.indexOf(need) < index) problems.add(path, `${shown(need)} is named twice`);
    }
  }
  const cycle = findCycle(graph);
  if (cycle === undefined) return;
  const at = plan.steps.findIndex(({ id }) => id === cycle[0]);
  const index = plan.steps[at]?.dependsOn?.indexOf(cycle[1] ?? "") ?? 0;
  problems.add(`steps[${at}].dependsOn[${index}]`, `a cycle: ${cycle.join(" → ")}`);
}

function checkRollbacks(plan: Plan, executors: ReadonlyMap<string, StepExecutor>, problems: Problems): void {
  const { steps, rollbackSteps = [] } = plan;
  const users = new Map<string, string>(rollbackSteps.map(({ id }) => [id, ""]));
  for (const [at, step] of steps.entries()) {
    const path = `steps[${at}].rollback`;
    const { rollback } = step;
    if (rollback === undefined) {
      const executor = executors.get(step.type);
      const nothing = executor === undefined || executor.changes === false || executor.rollback !== undefined;
      if (!nothing) problems.add(path, `is missing: name the rollback step that undoes it, or ${noRollback}`);
      continue;
    }
    if (rollback === noRollback) continue;
    const user = users.get(rollback);
    if (user === undefined) problems.add(path, `unknown rollback step ${shown(rollback)}`);
    else if (user !== "") problems.add(path, `${shown(rollback)} undoes step ${shown(user)} already`);
    else users.set(rollback, step.id);
  }
  for (const [at, { id, type }] of rollbackSteps.entries()) {
    if (users.get(id) === "") problems.add(`rollbackSteps[${at}]`, `no step names ${shown(id)} as its rollback`);
    if (id === noRollback) problems.add(`rollbackSteps[${at}].id`, `must not be ${noRollback}`);
    if (type === approvalType) problems.add(`rollbackSteps[${at}].type`, "a rollback waits for nobody");
  }
}

function checkExecutor(
  path: string,
  action: PlanAction,
  executors: ReadonlyMap<string, StepExecutor>,
  problems: Problems,
): void {
  const given = { path: join(path, "parameters"), resolved: false };
  if (action.type === approvalType) {
    checkParameters({ message: { type: "text" } }, action.parameters ?? {}, given, problems);
    if (action.retry !== undefined) problems.add(`${path}.retry`, "an approval is not tried again");
    return;
  }
  const executor = executors.get(action.type);
  if (executor === undefined) {
    const there = [...executors.keys(), approvalType].join(", ");
    problems.add(`${path}.type`, `no executor for ${shown(action.type)}; there are ${there}`);
    return;
  }
  const { parameters, check } = executor;
  checkParameters(parameters, action.parameters ?? {}, { ...given, together: check }, problems);
}

function checkReferences(plan: Plan, executors: ReadonlyMap<string, StepExecutor>, problems: Problems): void {
  const graph = graphOf(plan);
  const types = new Map(plan.steps.map(({ id, type }) => [id, type]));
  const check = (found: FoundReference, reachable: ReadonlySet<string>, whom: string): void => {
    const { path, source, reference } = found;
    if (reference === undefined) {
      problems.add(path, `${shown(source)} is no reference; write \${parameters.NAME} or \${steps.ID.output.FIELD}`);
    } else if (reference.kind === "parameter") {
      if (!Object.hasOwn(plan.parameters ?? {}, reference.name)) {
        problems.add(path, `unknown parameter ${shown(reference.name)} in ${shown(source)}`);
      }
    } else if (!graph.has(reference.step)) {
      problems.add(path, `unknown step ${shown(reference.step)} in ${shown(source)}`);
    } else if (!reachable.has(reference.step)) {
      problems.add(path, `${shown(source)} is not there yet: ${whom} does not depend on ${shown(reference.step)}`);
    } else {
      const outputs = executors.get(types.get(reference.step) ?? "")?.outputs;
      const [field] = reference.fields;
      if (outputs !== undefined && field !== undefined && !outputs.includes(field)) {
        const there = outputs.join(", ") || "none";
        problems.add(path, `unknown field ${shown(field)} in ${shown(source)}; there are ${there}`);
      }
    }
  };
  for (const [at, step] of plan.steps.entries()) {
    const reachable = ancestorsOf(graph, step.id);
    const found = findReferences(step.parameters ?? {}, `steps[${at}].parameters`);
    for (const each of found) check(each, reachable, `step ${shown(step.id)}`);
  }
  for (const [at, action] of (plan.rollbackSteps ?? []).entries()) {
    const undone = plan.steps.find(({ rollback }) => rollback === action.id);
    const reachable = undone === undefined ? new Set<string>() : ancestorsOf(graph, undone.id).add(undone.id);
    const found = findReferences(action.parameters ?? {}, `rollbackSteps[${at}].parameters`);
    for (const each of found) check(each, reachable, `what it undoes (${shown(undone?.id)})`);
  }
}
