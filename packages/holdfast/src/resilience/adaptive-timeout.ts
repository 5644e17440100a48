import { checkFunction, checkInteger, checkNumber, checkOptionNames } from "../errors/base.ts";
import { systemClock } from "../runtime/system.ts";
import { AdaptiveLimit, type AdaptiveLimitOptions } from "./adaptive-limit.ts";
import type { Policy } from "./policy.ts";
import { policyOf } from "./stage.ts";
import type { TimedCall } from "./timed-call.ts";
import { TimeoutStage, type TimeoutOptions } from "./timeout.ts";

export interface AdaptiveTimeoutOptions extends Partial<AdaptiveLimitOptions>, Omit<TimeoutOptions, "timeoutMs"> {
  /** How loaded this process or the dependency is, 0 to 100; asked once per call. Default: 0. */
  readonly load?: () => number;
}

/** What the limit is made of; all times in milliseconds, NaN while nothing was measured. */
export interface AdaptiveTimeoutMetrics {
  /** The limit for a call that would start now. */
  readonly limitMs: number;
  readonly averageMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
  readonly quantileMs: number;
  readonly baselineMs: number;
  readonly samples: number;
  readonly timedOut: number;
  readonly abandoned: number;
  readonly load: number;
}

export interface AdaptiveTimeoutPolicy extends Policy {
  /** Looks at the whole window for the least and the most. */
  readonly metrics: AdaptiveTimeoutMetrics;
  /** Forgets what was measured and starts from `baseMs`, for a dependency that has changed for good. */
  reset(): void;
}

export const adaptiveTimeoutDefaults: AdaptiveLimitOptions = {
  baseMs: 5_000,
  floorMs: 100,
  ceilingMs: 30_000,
  window: 100,
  quantile: 0.95,
  factor: 2,
  minimumSamples: 10,
  maxDrift: 3,
};

/**
 * A timeout whose limit follows what calls really take, and that a long incident cannot raise: see `AdaptiveLimit`.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const search = adaptiveTimeout({ baseMs: 2_000, ceilingMs: 10_000 });
 * const hits = await search.execute(({ signal }) => find("kelp", { signal }));
 */
export function adaptiveTimeout(options: AdaptiveTimeoutOptions = {}): AdaptiveTimeoutPolicy {
  const own = Object.keys(adaptiveTimeoutDefaults);
  checkOptionNames("adaptiveTimeout", options, [...own, "load", "mode", "onLateResult", "onEvent", "name", "clock"]);
  const stage = new AdaptiveStage(options, new AdaptiveLimit(checked(options)));
  return Object.defineProperties(
    policyOf<never>(stage, {
      kind: "adaptiveTimeout",
      ...(options.name === undefined ? {} : { name: options.name }),
      get options() {
        return { ...stage.limit.options, limitMs: stage.limit.limitMs(stage.load()) };
      },
    }),
    {
      metrics: { enumerable: true, get: () => metricsOf(stage) },
      reset: { enumerable: true, value: () => stage.limit.reset() },
    },
  ) as ReturnType<typeof policyOf<never>> & AdaptiveTimeoutPolicy;
}

class AdaptiveStage extends TimeoutStage {
  readonly limit: AdaptiveLimit;
  readonly #load: (() => number) | undefined;
  readonly #now: () => number;

  constructor(options: AdaptiveTimeoutOptions, limit: AdaptiveLimit) {
    super({ ...options, timeoutMs: () => limit.limitMs(this.load()) }, "adaptiveTimeout");
    if (options.load !== undefined) checkFunction("adaptiveTimeout.load", options.load);
    const clock = options.clock ?? systemClock;
    this.limit = limit;
    this.#load = options.load;
    this.#now = () => clock.now();
  }

  /** A load that nobody can tell is none: a broken gauge must not fail calls. */
  load(): number {
    try {
      return this.#load?.() ?? 0;
    } catch {
      return 0;
    }
  }

  onInTime(timed: TimedCall): void {
    if (!timed.aborted) this.limit.record(this.#now() - timed.startedAt, false);
  }

  override onTimedOut(timed: TimedCall): void {
    this.limit.record(timed.limitMs, true);
    super.onTimedOut(timed);
  }
}

function metricsOf(stage: AdaptiveStage): AdaptiveTimeoutMetrics {
  const { durations, baselineMs, options } = stage.limit;
  const load = stage.load();
  const { least, most } = durations.range();
  return {
    limitMs: stage.limit.limitMs(load),
    averageMs: durations.mean,
    leastMs: least,
    mostMs: most,
    quantileMs: durations.quantile(options.quantile),
    baselineMs: baselineMs ?? Number.NaN,
    samples: durations.count,
    timedOut: stage.timedOut,
    abandoned: stage.abandoned,
    load,
  };
}

function checked(options: AdaptiveTimeoutOptions): AdaptiveLimitOptions {
  const all = { ...adaptiveTimeoutDefaults };
  for (const key of Object.keys(all) as (keyof AdaptiveLimitOptions)[]) {
    const value = options[key];
    if (value !== undefined) (all as Record<string, number>)[key] = value;
  }
  const name = "adaptiveTimeout";
  checkNumber(`${name}.baseMs`, all.baseMs, 1);
  checkNumber(`${name}.floorMs`, all.floorMs, 1);
  checkNumber(`${name}.ceilingMs`, all.ceilingMs, all.floorMs);
  checkInteger(`${name}.window`, all.window, 1, 1_000_000);
  checkNumber(`${name}.quantile`, all.quantile, 0.01, 1);
  checkNumber(`${name}.factor`, all.factor, 1);
  checkInteger(`${name}.minimumSamples`, all.minimumSamples, 1, all.window);
  checkNumber(`${name}.maxDrift`, all.maxDrift, 1);
  return all;
}
