import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { GradientLimit, type GradientSettings } from "./gradient-limit.ts";
import { isOverload, isTimeout } from "./overload.ts";
import type { Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { ResilienceError } from "./resilience-error.ts";
import { policyOf, rejected, type Staged } from "./stage.ts";

export type ConcurrencyLimiterEvent =
  | (PolicyEvent & { readonly type: "concurrencyLimited"; readonly limit: number; readonly inFlight: number })
  | (PolicyEvent & { readonly type: "concurrencyLimitChanged"; readonly from: number; readonly to: number });

export interface ConcurrencyLimiterSettings {
  /** Never below, an integer >= 1. Default 1. */
  readonly minLimit?: number;
  /** Never above, an integer >= `minLimit`. Default 1 000. */
  readonly maxLimit?: number;
  /** How much slower than the baseline is still normal, a factor >= 1. Default 1.5. */
  readonly tolerance?: number;
  /** How much of each newly computed limit is taken over, above 0 to 1. Default 0.2. */
  readonly smoothing?: number;
  /** What the limit is multiplied by after a window with drops, 0..1. Default 0.9. */
  readonly dropFactor?: number;
  /** The slowest round trip that is still healthy, milliseconds: the baseline never rises above it. Default: no bound. */
  readonly maxHealthyRttMs?: number;
}

export interface ConcurrencyLimiterOptions extends ConcurrencyLimiterSettings {
  /** Where the limit starts, an integer between the bounds. Default 20, or the nearer bound. */
  readonly initialLimit?: number;
  /** How long samples are collected before the limit moves, milliseconds, >= 0. Default 1 000. */
  readonly windowMs?: number;
  /** And at least how many, an integer >= 1. Default 10. */
  readonly minSamples?: number;
  /** Whether a failure is a sign of overload. Default: time limits passed and resources used up. Others are no samples. */
  readonly isDrop?: (error: unknown) => boolean;
  readonly onEvent?: (event: ConcurrencyLimiterEvent) => void;
  /** Names the policy in its events. Default "". */
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Clock;
}

export const concurrencyLimiterDefaults: Omit<Required<ConcurrencyLimiterSettings>, "initialLimit"> & {
  readonly initialLimit: number;
  readonly windowMs: number;
  readonly minSamples: number;
  readonly name: string;
} = {
  initialLimit: 20,
  minLimit: 1,
  maxLimit: 1_000,
  tolerance: 1.5,
  smoothing: 0.2,
  dropFactor: 0.9,
  maxHealthyRttMs: Infinity,
  windowMs: 1_000,
  minSamples: 10,
  name: "",
};

/** As many calls run as the limit allows at present; this one was turned away before it had any effect. */
export class ConcurrencyLimitedError extends ResilienceError {
  static override readonly brand: string = "ConcurrencyLimitedError";

  readonly limit: number;

  constructor(policy: string, limit: number) {
    super(`${policy || "concurrencyLimiter"} is at its present limit of ${limit} calls`, {
      name: "ConcurrencyLimitedError",
      code: "CONCURRENCY_LIMITED",
      kind: "resource",
      retryable: true,
    });
    this.limit = limit;
  }
}

export interface ConcurrencyLimiterMetrics {
  readonly limit: number;
  readonly inFlight: number;
  readonly rejected: number;
  /** What a round trip takes when nothing queues, milliseconds; 0 before the first window. */
  readonly baselineMs: number;
}

export interface ConcurrencyLimiter extends Policy, Staged {
  readonly metrics: ConcurrencyLimiterMetrics;
  /** Changes settings; the limit moves into new bounds at once, and no call under way is lost. @throws InvalidArgumentError */
  update(settings: ConcurrencyLimiterSettings): void;
}

/**
 * Finds out by itself how many calls may run at once: more while latency stays at its baseline, fewer as soon as calls
 * begin to queue on the other side (see `GradientLimit`). A call holds its place until it has really ended, also after
 * its caller left. One window of samples serves all calls; there is no timer.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const limited = concurrencyLimiter({ maxLimit: 200, maxHealthyRttMs: 250 });
 * await limited.execute(() => query(sql));
 */
export function concurrencyLimiter(options: ConcurrencyLimiterOptions = {}): ConcurrencyLimiter {
  checkOptionNames("concurrencyLimiter", options, optionNames);
  const { windowMs, minSamples, name } = { ...concurrencyLimiterDefaults, ...options };
  const { onEvent, isDrop = isOverload, clock = systemClock } = options;
  checkNumber("concurrencyLimiter.windowMs", windowMs, 0);
  checkInteger("concurrencyLimiter.minSamples", minSamples, 1);
  checkFunction("concurrencyLimiter.isDrop", isDrop);
  checkFunction("concurrencyLimiter.onEvent", onEvent);

  const gradient = new GradientLimit(startOf(options));
  let inFlight = 0;
  let rejections = 0;
  let windowStart = clock.now();
  let samples = 0;
  let totalMs = 0;
  let maxInFlight = 0;
  let drops = 0;

  const endWindow = (now: number): void => {
    const from = gradient.limit;
    gradient.update(samples === 0 ? undefined : totalMs / samples, maxInFlight, drops > 0);
    windowStart = now;
    samples = 0;
    totalMs = 0;
    drops = 0;
    maxInFlight = inFlight;
    const to = gradient.limit;
    if (from !== to && hears(onEvent, "concurrencyLimitChanged")) {
      publish(onEvent, { type: "concurrencyLimitChanged", at: clock.wallTime(), policy: name, from, to });
    }
  };

  const checkWindow = (now: number): void => {
    if (now - windowStart >= windowMs && samples + drops >= minSamples) endWindow(now);
  };

  const succeeded = (startedAt: number): undefined => {
    const now = clock.now();
    inFlight--;
    samples++;
    totalMs += now - startedAt;
    checkWindow(now);
  };

  const failed = (call: Call, error: unknown): undefined => {
    inFlight--;
    // A caller that gave up says nothing about the other side; a time limit further out does.
    const cause = call.aborted ? call.reason : error;
    if (call.aborted ? !isTimeout(cause) : !isDrop(cause)) return;
    drops++;
    checkWindow(clock.now());
  };

  const refusal = (): ConcurrencyLimitedError => {
    rejections++;
    const { limit } = gradient;
    if (hears(onEvent, "concurrencyLimited")) {
      publish(onEvent, { type: "concurrencyLimited", at: clock.wallTime(), policy: name, limit, inFlight });
    }
    return new ConcurrencyLimitedError(name, limit);
  };

  return {
    ...policyOf<never>(
      {
        run(call, next) {
          if (inFlight >= gradient.limit) return rejected(refusal());
          inFlight++;
          if (inFlight > maxInFlight) maxInFlight = inFlight;
          const startedAt = clock.now();
          const result = next(call);
          result.then(
            () => succeeded(startedAt),
            (error: unknown) => failed(call, error),
          );
          return result;
        },
      },
      {
        kind: "concurrencyLimiter",
        name,
        get options() {
          return { ...gradient.settings, windowMs, minSamples };
        },
      },
    ),
    get metrics() {
      return { limit: gradient.limit, inFlight, rejected: rejections, baselineMs: gradient.baselineMs };
    },
    update(changes) {
      checkOptionNames("concurrencyLimiter", changes, settingNames);
      gradient.change(resolve({ ...gradient.settings, ...changes }));
    },
  };
}

const settingNames = ["minLimit", "maxLimit", "tolerance", "smoothing", "dropFactor", "maxHealthyRttMs"] as const;
const optionNames = [...settingNames, "initialLimit", "windowMs", "minSamples", "isDrop", "onEvent", "name", "clock"];

function startOf(options: ConcurrencyLimiterOptions): GradientSettings {
  const { minLimit, maxLimit, initialLimit: usual } = { ...concurrencyLimiterDefaults, ...options };
  const initialLimit = options.initialLimit ?? Math.min(maxLimit, Math.max(minLimit, usual));
  const settings = resolve({ ...concurrencyLimiterDefaults, ...options, initialLimit });
  checkInteger("concurrencyLimiter.initialLimit", initialLimit, minLimit, maxLimit);
  return settings;
}

function resolve(given: GradientSettings): GradientSettings {
  const { initialLimit, minLimit, maxLimit, tolerance, smoothing, dropFactor, maxHealthyRttMs } = given;
  checkInteger("concurrencyLimiter.minLimit", minLimit, 1);
  checkInteger("concurrencyLimiter.maxLimit", maxLimit, minLimit);
  checkNumber("concurrencyLimiter.tolerance", tolerance, 1);
  checkNumber("concurrencyLimiter.smoothing", smoothing, 0, 1);
  if (smoothing === 0) throw new InvalidArgumentError("concurrencyLimiter.smoothing", "must be above 0", smoothing);
  checkNumber("concurrencyLimiter.dropFactor", dropFactor, 0, 1);
  checkNumber("concurrencyLimiter.maxHealthyRttMs", maxHealthyRttMs, 0, Infinity);
  return { initialLimit, minLimit, maxLimit, tolerance, smoothing, dropFactor, maxHealthyRttMs };
}
