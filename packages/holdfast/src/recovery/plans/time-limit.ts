import type { Clock } from "../../runtime/system.ts";
import { durationMs } from "./plan-shape.ts";
import { StepFailure } from "./step-failure.ts";
import type { StepContext } from "./step-executor.ts";

/**
 * Does some work within the duration of the step's parameter `within`, if there is one. The work gets a signal of its own;
 * it is not waited for when it takes no notice of it.
 *
 * @throws StepFailure (timeout) when the time is over; the signal's reason; what the work throws
 */
export async function withinLimit<T>(
  { parameters, signal }: Pick<StepContext, "parameters" | "signal">,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const { within } = parameters;
  const controller = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    controller.abort(reason);
    reject(reason);
  };
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer =
    typeof within === "string"
      ? clock.setTimer(durationMs(within), () => end(new StepFailure("timeout", `no answer within ${within}`)))
      : undefined;
  try {
    const working = work(controller.signal);
    working.catch(() => undefined);
    return await Promise.race([working, over]);
  } finally {
    timer?.cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
