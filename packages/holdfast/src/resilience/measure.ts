import { checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import type { Policy } from "./policy.ts";
import { policyOf, type Next } from "./stage.ts";

/** `abandoned`: the caller, or a policy further out, gave the call up before it had ended. */
export type CallOutcome = "succeeded" | "failed" | "abandoned";

/** Is told of each call, twice: `callMetrics` of `holdfast/telemetry` is one. What it throws is dropped. */
export interface CallObserver {
  started(): void;
  /** Exactly once for each `started`. */
  ended(outcome: CallOutcome, durationMs: number): void;
}

export interface MeasureOptions {
  readonly observer: CallObserver;
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Pick<Clock, "now">;
}

/**
 * Changes nothing, and tells an observer of each call: how many are under way, how they end, and how long they take.
 * Where it stands in a pipeline is what it measures: outermost whole calls, innermost each try.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const observer = callMetrics(metrics, { name: "stock" });
 * const stock = pipeline(measure({ observer }), retry(), circuitBreaker());
 */
export function measure(options: MeasureOptions): Policy {
  checkOptionNames("measure", options, ["observer", "name", "clock"]);
  const { observer, name = "", clock = systemClock } = options;
  if (typeof observer?.started !== "function" || typeof observer.ended !== "function") {
    throw new InvalidArgumentError("measure.observer", "must have started and ended", observer);
  }

  const ended = (outcome: CallOutcome, startedAt: number): void => {
    try {
      observer.ended(outcome, clock.now() - startedAt);
    } catch {
      // The call must not pay for a broken observer.
    }
  };

  const run = (call: Call, next: Next): Promise<unknown> => {
    try {
      observer.started();
    } catch {
      // As above.
    }
    const startedAt = clock.now();
    const result = next(call);
    if (!call.abortable) {
      result.then(
        () => ended("succeeded", startedAt),
        () => ended("failed", startedAt),
      );
      return result;
    }
    let isOver = false;
    const end = (outcome: CallOutcome): void => {
      if (isOver) return;
      isOver = true;
      ended(outcome, startedAt);
    };
    // One whose operation never ends is over when nobody waits for it any more.
    const unlisten = call.onAbort(() => end("abandoned"));
    result.then(
      () => {
        unlisten?.();
        end("succeeded");
        return undefined;
      },
      () => {
        unlisten?.();
        end("failed");
      },
    );
    return result;
  };
  return policyOf<never>({ run }, { kind: "measure", name });
}
