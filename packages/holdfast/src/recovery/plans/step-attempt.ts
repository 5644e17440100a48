import type { AttemptOutcome } from "./execution-step.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import { actionOf, type Side } from "./execution-side.ts";
import type { ExecutionState } from "./execution-state.ts";
import { checkParameters } from "./parameter-rule.ts";
import type { JsonValue } from "./plan.ts";
import { describeProblem, Problems } from "./plan-error.ts";
import { resolveReferences } from "./plan-reference.ts";
import { anything } from "./plan-shape.ts";
import type { StepContext, StepExecutor } from "./step-executor.ts";
import { mayRetryStep, stepErrorOf, StepFailure } from "./step-failure.ts";

export interface AttemptPlace {
  readonly plan: CompiledPlan;
  readonly executor: StepExecutor | undefined;
  readonly state: ExecutionState;
  readonly outputs: ReadonlyMap<string, JsonValue>;
  readonly side: Side;
  readonly step: string;
  readonly attempt: number;
  readonly token: number;
  readonly signal: AbortSignal;
  /** Bytes that the output may have. */
  readonly room: number;
  readonly random: { next(): number };
}

export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  /** As JSON; none of an undoing. */
  readonly output?: { readonly value: JsonValue; readonly bytes: Uint8Array };
}

/** Makes one try. Never rejects. */
export async function runAttempt(place: AttemptPlace): Promise<AttemptEnd> {
  const { side, step, random, executor } = place;
  try {
    const context = contextOf(place);
    if (side === "forward") return outputOf(await executor!.run(context), place.room);
    const undo = place.plan.steps.get(step)!.undo!;
    const output = place.outputs.get(step) ?? null;
    await (undo.by === "executor" ? executor!.rollback!({ ...context, output }) : executor!.run(context));
    return { outcome: { type: "completed" } };
  } catch (error) {
    const stepError = stepErrorOf(error, executor?.errorKind ?? "unknown");
    return { outcome: { type: "failed", error: stepError, mayRetry: mayRetryStep(error), draw: random.next() } };
  }
}

/** @throws StepFailure when the parameters turn out not to fit */
function contextOf(place: AttemptPlace): StepContext {
  const { plan, executor, state, side, step, outputs, attempt, token, signal } = place;
  const action = actionOf(plan, side, step);
  if (executor === undefined) throw new StepFailure("configuration", `no executor for ${action.type}`);
  let parameters;
  try {
    parameters = resolveReferences(action.parameters, {
      parameters: state.parameters,
      outputs,
    }) as StepContext["parameters"];
  } catch (cause) {
    throw new StepFailure("validation", (cause as Error).message, { cause });
  }
  const problems = new Problems();
  const where = { path: "parameters", resolved: true, together: executor.check };
  checkParameters(executor.parameters, parameters, where, problems);
  const [problem] = problems.list;
  if (problem !== undefined) throw new StepFailure("validation", describeProblem(problem));
  return {
    planId: state.planId,
    executionId: state.id,
    stepId: action.id,
    attempt,
    parameters,
    outputs,
    idempotencyKey: `${state.id}/${step}${side === "undo" ? "/undo" : ""}`,
    fencingToken: token,
    signal,
  };
}

function outputOf(result: unknown, room: number): AttemptEnd {
  const value = result === undefined ? null : result;
  try {
    const problems = new Problems();
    anything.check(value, "output", problems);
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    if (problems.list.length === 0 && bytes.length <= room) {
      return { outcome: { type: "completed" }, output: { value: value as JsonValue, bytes } };
    }
  } catch {
    // It is what throws when it is looked at.
  }
  return { outcome: { type: "completed", outputOmitted: true } };
}
