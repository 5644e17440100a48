import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { ParameterRule, ParametersTogether } from "./parameter-rule.ts";
import { approvalType, type JsonValue } from "./plan.ts";
import { namePattern } from "./plan-shape.ts";

/** What failed, so that a person knows where to look. */
export type StepErrorKind = "database" | "service" | "cache" | "configuration" | "validation" | "timeout" | "unknown";

/** What one try of a step is told. */
export interface StepContext {
  readonly planId: string;
  readonly executionId: string;
  readonly stepId: string;
  /** The try: 1, 2, … One that a crash has interrupted is made again with its number. */
  readonly attempt: number;
  readonly parameters: { readonly [name: string]: JsonValue };
  /** Of the steps that have completed, by their ids. */
  readonly outputs: ReadonlyMap<string, JsonValue>;
  /**
   * The same for all tries of the step, also of another orchestrator after a crash, and different for its rollback: what
   * changes something outside should remember it, and do nothing the second time.
   */
  readonly idempotencyKey: string;
  /** Greater for an orchestrator that has taken over: for `createGuard` at what the step changes. */
  readonly fencingToken: number;
  /** Aborted when the try has taken too long, the execution is stopped, or another orchestrator may have taken over. */
  readonly signal: AbortSignal;
}

/** Runs the steps of one type. */
export interface StepExecutor {
  readonly type: string;
  /** What steps of this type may be told; anything when absent. */
  readonly parameters?: { readonly [name: string]: ParameterRule };
  /** What is wrong with parameters that fit their own rules each: told as `must have exactly one of …`. */
  readonly check?: ParametersTogether;
  /** The fields of its output that other steps may refer to; any when absent. */
  readonly outputs?: readonly string[];
  /** Whether it changes anything that may have to be undone. Default true. */
  readonly changes?: boolean;
  /** Whether a try that a crash has interrupted may be made again. Default true: with the same idempotency key. */
  readonly repeatable?: boolean;
  /** What its failures are, where they do not say it themselves (`StepFailure`). Default `unknown`. */
  readonly errorKind?: StepErrorKind;
  /** Its result is the step's output: what JSON can say. It should end soon after the signal fires. */
  readonly run: (context: StepContext) => unknown;
  /** Undoes what `run` did, for steps that name no rollback step. Must do no harm when it is done already. */
  readonly rollback?: (context: StepContext & { readonly output: JsonValue }) => unknown;
}

const names = ["type", "parameters", "check", "outputs", "changes", "repeatable", "errorKind", "run", "rollback"];

/** By type. @throws InvalidArgumentError for one that is no executor, or whose type is taken */
export function executorTable(executors: readonly StepExecutor[]): ReadonlyMap<string, StepExecutor> {
  const table = new Map<string, StepExecutor>();
  if (!Array.isArray(executors)) throw new InvalidArgumentError("executors", "must be a list", executors);
  for (const [at, executor] of (executors as readonly StepExecutor[]).entries()) {
    const path = `executors[${at}]`;
    checkOptionNames(path, executor, names);
    const { type, run } = executor;
    if (typeof type !== "string" || !namePattern.test(type) || type === approvalType || table.has(type)) {
      const rule = `must be 1 to 64 letters, digits, _, . and -, not ${approvalType}, and not taken`;
      throw new InvalidArgumentError(`${path}.type`, rule, type);
    }
    if (typeof run !== "function") throw new InvalidArgumentError(`${path}.run`, "must be a function", run);
    checkFunction(`${path}.rollback`, executor.rollback);
    checkFunction(`${path}.check`, executor.check);
    table.set(type, executor);
  }
  return table;
}

/**
 * A type of step of your own.
 *
 * @example
 * const drain = customExecutor("drain", async ({ parameters, signal }) => balancer.drain(parameters["node"], { signal }));
 */
export function customExecutor(
  type: string,
  run: StepExecutor["run"],
  options: Omit<StepExecutor, "type" | "run"> = {},
): StepExecutor {
  const executor: StepExecutor = { type, run, ...options };
  executorTable([executor]);
  return executor;
}
