import type { Coordination } from "../../coordination/index.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import { defaultPlanPrefix, PlanKeys } from "./execution-keys.ts";
import { newExecution } from "./execution-state.ts";
import { ExecutionStore } from "./execution-store.ts";
import type { JsonValue } from "./plan.ts";
import { checkId } from "./plan-desk.ts";
import { planParameters } from "./plan-parameters.ts";

export interface SubmitOptions {
  readonly parameters?: { readonly [name: string]: JsonValue };
  /** Names the execution; asking twice with one name executes once. Default: drawn at random. */
  readonly id?: string;
  /** As the orchestrators'. Default `recovery/`. */
  readonly prefix?: string;
  /** Gives up, with `signal.reason`; the execution may have been recorded. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/**
 * Records an execution for orchestrators that run elsewhere, and gives its id: one that has the executors for it runs it.
 *
 * @throws PlanError PLAN_PARAMETERS_INVALID, EXECUTION_EXISTS; CoordinationError
 */
export async function submitPlan(
  coordination: Coordination,
  plan: CompiledPlan,
  options: SubmitOptions = {},
): Promise<string> {
  const { parameters = {}, prefix = defaultPlanPrefix, clock = systemClock, random = systemRandom } = options;
  const planId = plan.document.id;
  const given = planParameters(plan.document, parameters);
  const id = options.id === undefined ? executionName(planId, random) : checkId(options.id);
  const state = newExecution(id, planId, plan.steps.keys(), given, clock.wallTime());
  const store = new ExecutionStore(coordination, new PlanKeys(prefix), { clock, random }, 1);
  await store.create(plan.document, state, undefined, options.signal ?? new AbortController().signal);
  return id;
}

/** Of a plan's execution that nobody has named. */
export function executionName(planId: string, random: RandomSource): string {
  return `${planId.slice(0, 40)}-${drawn(random)}${drawn(random)}`;
}

function drawn(random: RandomSource): string {
  return Math.floor(random.next() * 36 ** 5)
    .toString(36)
    .padStart(5, "0");
}
