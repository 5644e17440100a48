import type { Orchestrator } from "../plans/orchestrator.ts";
import type { JsonValue } from "../plans/plan.ts";
import { RecoveryError } from "./recovery-error.ts";
import type { RecoveryContext, RecoveryStrategy } from "./recovery-strategy.ts";
import type { RecoveryTask } from "./recovery-task.ts";

export interface PlanStrategyOptions extends Omit<RecoveryStrategy, "name" | "run"> {
  /** Default: the plan's id. */
  readonly name?: string;
  /** What the plan is given. Default: `target`. */
  readonly parameters?: (task: RecoveryTask) => { readonly [name: string]: JsonValue };
}

/**
 * A strategy that carries out a recovery plan. A process that takes over finds the execution that was begun, and waits for
 * it; when the attempt is told to end, the execution is cancelled and rolled back.
 *
 * @example
 * planStrategy(orchestrator, "restore", { handles: ["databaseLost"], parameters: ({ target }) => ({ node: target }) })
 */
export function planStrategy(
  orchestrator: Pick<Orchestrator, "execute" | "finished" | "cancel">,
  planId: string,
  options: PlanStrategyOptions,
): RecoveryStrategy {
  const { name = planId, parameters = ({ target }) => ({ target }), ...rest } = options;
  const run = async ({ task, idempotencyKey, signal }: RecoveryContext): Promise<void> => {
    const id = await orchestrator.execute(planId, { id: idempotencyKey, parameters: parameters(task), signal });
    let cancelled: Promise<void> | undefined;
    const cancel = (): void => {
      // Whoever takes over goes on with the very same execution.
      if (isOurEnd(signal.reason))
        cancelled = orchestrator.cancel(id, { by: "automatic recovery" }).catch(() => undefined);
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      // Without the signal where it is cancelled: what it did is not over before it is undone.
      const { status, cause } = await Promise.race([orchestrator.finished(id), handedOver(signal)]);
      await cancelled;
      if (status === "completed") return;
      const detail = `${id} is ${status}${cause === undefined ? "" : `: ${JSON.stringify(cause).slice(0, 300)}`}`;
      throw new RecoveryError("PLAN_NOT_COMPLETED", { detail });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
  return { ...rest, name, run };
}

function isOurEnd(reason: unknown): boolean {
  return RecoveryError.is(reason) && (reason.code === "ATTEMPT_TIMED_OUT" || reason.code === "ATTEMPT_NOT_NEEDED");
}

/** Rejects when another process may act: the execution is its to wait for. */
async function handedOver(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
  if (isOurEnd(signal.reason)) return await new Promise<never>(() => undefined);
  throw signal.reason;
}
