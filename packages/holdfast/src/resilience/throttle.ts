import { checkFunction, checkInteger, checkNumber, checkOptionNames } from "../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { isTimeout } from "./overload.ts";
import type { Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { ResilienceError } from "./resilience-error.ts";
import { policyOf, rejected, type Staged } from "./stage.ts";
import { TimeWindow } from "./time-window.ts";

export type ThrottleEvent = PolicyEvent & { readonly type: "throttled"; readonly rejectProbability: number };

export interface ThrottleSettings {
  /**
   * How many requests are sent for each that is accepted before any is held back, >= 1. Default 2: at worst the backend
   * refuses as many as it accepts. Nearer to 1 holds back sooner.
   */
  readonly multiplier?: number;
  /** The most that is ever held back, 0..1. Default 0.9: a tenth still goes out, so that a recovery is seen at once. */
  readonly maxRejectProbability?: number;
}

export interface ThrottleOptions extends ThrottleSettings {
  /** How far back requests count, milliseconds, >= 1. Default 120 000. */
  readonly windowMs?: number;
  /** In how many parts the window moves on, >= 1. Default 40. */
  readonly buckets?: number;
  /** Whether this failure means that the backend refuses work. Default: every failure. */
  readonly on?: (error: unknown) => boolean;
  readonly onEvent?: (event: ThrottleEvent) => void;
  /** Names the policy in its events. Default "". */
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Clock;
  /** Default the system's. */
  readonly random?: RandomSource;
}

export const throttleDefaults: Required<ThrottleSettings> & {
  readonly windowMs: number;
  readonly buckets: number;
  readonly name: string;
} = { multiplier: 2, maxRejectProbability: 0.9, windowMs: 120_000, buckets: 40, name: "" };

/** Held back because the backend refuses too much; it had no effect. */
export class ThrottledError extends ResilienceError {
  static override readonly brand: string = "ThrottledError";

  /** The share of calls held back at present, 0..1. */
  readonly rejectProbability: number;

  constructor(policy: string, rejectProbability: number) {
    super(`${policy || "throttle"} holds back ${Math.round(rejectProbability * 100)} % of the calls`, {
      name: "ThrottledError",
      code: "THROTTLED",
      kind: "resource",
      retryable: true,
    });
    this.rejectProbability = rejectProbability;
  }
}

export interface ThrottleMetrics {
  /** Completed and held back, within the window. */
  readonly requests: number;
  /** Those the backend accepted. */
  readonly accepts: number;
  readonly rejectProbability: number;
  /** Held back since the beginning. */
  readonly throttled: number;
}

export interface Throttle extends Policy, Staged {
  readonly metrics: ThrottleMetrics;
  /** Changes settings for the calls to come. @throws InvalidArgumentError */
  update(settings: ThrottleSettings): void;
}

/**
 * Holds calls back in proportion to how many the backend refuses: with the probability
 * `max(0, (requests - multiplier × accepts) / (requests + 1))` over the last two minutes (client-side throttling;
 * "Site Reliability Engineering", chapter 21, Handling Overload). Gentler than a breaker: there is no cliff, and it lets
 * go as the backend recovers.
 *
 * A call counts when it is over, so slow calls under way are not taken for refused ones; a call that its caller gave up
 * does not count.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const throttled = throttle({ on: (error) => error instanceof HttpError && error.status === 503 });
 * await throttled.execute(() => callBackend());
 */
export function throttle(options: ThrottleOptions = {}): Throttle {
  checkOptionNames("throttle", options, [
    ...settingNames,
    "windowMs",
    "buckets",
    "on",
    "onEvent",
    "name",
    "clock",
    "random",
  ]);
  const { windowMs, buckets, name } = { ...throttleDefaults, ...options };
  const { on, onEvent, clock = systemClock, random = systemRandom } = options;
  checkNumber("throttle.windowMs", windowMs, 1);
  checkInteger("throttle.buckets", buckets, 1);
  checkFunction("throttle.on", on);
  checkFunction("throttle.onEvent", onEvent);

  let settings = resolve(options, throttleDefaults);
  const window = new TimeWindow(windowMs, buckets);
  let throttled = 0;

  const rejectProbability = (): number => {
    // The usual case needs no look at the clock: with nothing refused, nothing that expires matters.
    if (window.failures === 0) return 0;
    window.expire(clock);
    const excess = window.calls - settings.multiplier * (window.calls - window.failures);
    return excess <= 0 ? 0 : Math.min(excess / (window.calls + 1), settings.maxRejectProbability);
  };

  const accepted = (): void => window.record(0, clock);
  const failed = (call: Call, error: unknown): undefined => {
    // Given up, not refused. A time limit further out is the backend's doing.
    if (call.aborted && !isTimeout(call.reason)) return;
    window.record(on === undefined || on(error) ? 1 : 0, clock);
  };

  const refusal = (probability: number): ThrottledError => {
    throttled++;
    window.record(1, clock);
    if (hears(onEvent, "throttled")) {
      publish(onEvent, { type: "throttled", at: clock.wallTime(), policy: name, rejectProbability: probability });
    }
    return new ThrottledError(name, probability);
  };

  return {
    ...policyOf<never>(
      {
        run(call, next) {
          const probability = rejectProbability();
          if (probability > 0 && random.next() < probability) return rejected(refusal(probability));
          const result = next(call);
          result.then(accepted, (error: unknown) => failed(call, error));
          return result;
        },
      },
      {
        kind: "throttle",
        name,
        get options() {
          return { ...settings, windowMs, buckets };
        },
      },
    ),
    get metrics() {
      window.expire(clock);
      const probability = rejectProbability();
      const { calls, failures } = window;
      return { requests: calls, accepts: calls - failures, rejectProbability: probability, throttled };
    },
    update(changes) {
      checkOptionNames("throttle", changes, settingNames);
      settings = resolve(changes, settings);
    },
  };
}

const settingNames: readonly string[] = ["multiplier", "maxRejectProbability"];

function resolve(given: ThrottleSettings, before: Required<ThrottleSettings>): Required<ThrottleSettings> {
  const { multiplier = before.multiplier, maxRejectProbability = before.maxRejectProbability } = given;
  checkNumber("throttle.multiplier", multiplier, 1);
  checkNumber("throttle.maxRejectProbability", maxRejectProbability, 0, 1);
  return { multiplier, maxRejectProbability };
}
