import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../errors/base.ts";
import { systemClock, type Clock, type Timer } from "../runtime/system.ts";
import {
  DegradableService,
  type ServiceHealth,
  type ServiceMetrics,
  type ServiceOptions,
  type Way,
} from "./degradable-service.ts";
import type { ExecuteOptions, Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";

/** `partial`: degraded services run the degraded way. `full`: all do. */
export type DegradationMode = "normal" | "partial" | "full";

export type DegradationEvent =
  | (PolicyEvent & {
      readonly type: "degradationModeChanged";
      readonly from: DegradationMode;
      readonly to: DegradationMode;
      /** By a person, or by what was measured. */
      readonly manual: boolean;
    })
  | (PolicyEvent & {
      readonly type: "serviceDegraded" | "serviceRecovered";
      readonly service: string;
      readonly errorRate: number;
    });

export interface DegradationOptions {
  /** Normal → partial when a larger share of the services is degraded, 0..1. Default 0.1. */
  readonly enterThreshold?: number;
  /** Partial → normal when a smaller share is, 0..1, below `enterThreshold`. Default 0.05. */
  readonly leaveThreshold?: number;
  /** How often the services are judged, milliseconds, >= 1. Default 30 000. */
  readonly checkIntervalMs?: number;
  /** How often a call of a degraded service goes the full way to measure it, milliseconds, >= 0. Default 5 000. */
  readonly probeIntervalMs?: number;
  /** What may be shed: the name of each feature and its priority, the higher the longer it stays. */
  readonly features?: Readonly<Record<string, number>>;
  /** In partial mode features of a lower priority are off. Default 5. */
  readonly partialPriority?: number;
  /** In full mode features of a lower priority are off, at least `partialPriority`. Default 8. */
  readonly fullPriority?: number;
  readonly onEvent?: (event: DegradationEvent) => void;
  /** Names the manager in its events. Default "". */
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Clock;
}

export const degradationDefaults: Required<Omit<DegradationOptions, "features" | "onEvent" | "clock">> & {
  readonly degradeAbove: number;
  readonly recoverBelow: number;
} = {
  enterThreshold: 0.1,
  leaveThreshold: 0.05,
  checkIntervalMs: 30_000,
  probeIntervalMs: 5_000,
  partialPriority: 5,
  fullPriority: 8,
  degradeAbove: 0.5,
  recoverBelow: 0.2,
  name: "",
};

export interface Service<Input, Result> {
  /**
   * Runs the way that the mode asks for; when the full way fails, the degraded one answers.
   *
   * @throws FallbackFailedError when both fail; what the degraded way throws when only it was tried
   */
  run(input: Input, options?: ExecuteOptions): Promise<Result>;
  /** The service for one input as a policy, for pipelines and `explain`: what it executes stands for the full way. */
  policy(input: Input): Policy<Result>;
  readonly health: ServiceHealth;
}

export interface DegradationMetrics {
  readonly mode: DegradationMode;
  /** What the mode would be without an override. */
  readonly measured: DegradationMode;
  readonly overridden: boolean;
  readonly modeChanges: number;
  /** How long each mode was in force, milliseconds. */
  readonly durationsMs: Readonly<Record<DegradationMode, number>>;
  readonly services: Readonly<Record<string, ServiceMetrics>>;
}

/** What can be changed while it runs. */
export type DegradationUpdate = Omit<DegradationOptions, "onEvent" | "name" | "clock">;

export interface Degradation extends AsyncDisposable {
  readonly name: string;
  readonly mode: DegradationMode;
  /** Adds a service. @throws InvalidArgumentError for a name that is taken, and for options that break their rules */
  service<Input, Result>(name: string, options: ServiceOptions<Input, Result>): Service<Input, Result>;
  /** Whether a feature is on in the present mode. @throws InvalidArgumentError for a feature that was not declared */
  isEnabled(feature: string): boolean;
  /** Fixes the mode until `lift`; measuring goes on. In full mode no call goes the full way, not even a probe. */
  override(mode: DegradationMode): void;
  /** Takes the override back: what was measured counts again. */
  lift(): void;
  /**
   * Changes options from now on; those left out stay. The mode stays until the next check, which comes a whole interval
   * later when the interval is changed; features are replaced as a whole. @throws InvalidArgumentError, changing nothing
   */
  update(options: DegradationUpdate): void;
  /** Judges the services now, without waiting for the interval. */
  check(): Promise<DegradationMode>;
  readonly metrics: DegradationMetrics;
  /** Ends the checks; services go on in the mode as it is. */
  close(): Promise<void>;
}

/**
 * Decides for a group of services together whether they run fully or degraded. Every check judges each service anew, by
 * the error rate of its full way alone: that the degraded way works is no recovery. Between the two thresholds the mode
 * stays as it is.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const group = degradation({ features: { reviews: 2, checkout: 9 } });
 * const items = group.service("recommendations", { full: recommend, degraded: () => popularItems });
 * await items.run(user);
 */
export function degradation(options: DegradationOptions = {}): Degradation {
  checkOptionNames("degradation", options, [...updateNames, "onEvent", "name", "clock"]);
  let settings = { ...degradationDefaults, ...options };
  check(settings);
  const { onEvent, clock = systemClock, name } = settings;

  const services = new Map<string, DegradableService<never, unknown>>();
  const durations = { normal: 0, partial: 0, full: 0 };
  let measured: DegradationMode = "normal";
  let forced: DegradationMode | undefined;
  let mode: DegradationMode = "normal";
  let modeSince = clock.now();
  let modeChanges = 0;
  let closed = false;
  let timer: Timer | undefined;
  let running: Promise<DegradationMode> | undefined;

  const wayOf = (degraded: boolean): Way => {
    if (mode === "full") return forced === undefined ? "probing" : "degraded";
    return mode === "partial" && degraded ? "probing" : "full";
  };

  const settle = (manual: boolean): void => {
    const from = mode;
    mode = forced ?? measured;
    if (mode === from) return;
    const now = clock.now();
    durations[from] += now - modeSince;
    modeSince = now;
    modeChanges++;
    if (!hears(onEvent, "degradationModeChanged")) return;
    publish(onEvent, { type: "degradationModeChanged", at: clock.wallTime(), policy: name, from, to: mode, manual });
  };

  const judge = async (service: DegradableService<never, unknown>): Promise<void> => {
    const before = service.degraded;
    await service.judge(settings.checkIntervalMs);
    const type = service.degraded ? "serviceDegraded" : "serviceRecovered";
    if (service.degraded === before || !hears(onEvent, type)) return;
    const { errorRate } = service.health;
    publish(onEvent, { type, at: clock.wallTime(), policy: name, service: service.name, errorRate });
  };

  const runCheck = async (): Promise<DegradationMode> => {
    const all = [...services.values()];
    await Promise.all(all.map(judge));
    const share = all.length === 0 ? 0 : all.filter((service) => service.degraded).length / all.length;
    measured = nextMode(measured, share, settings);
    settle(false);
    return mode;
  };

  const checkNow = (): Promise<DegradationMode> => {
    running ??= runCheck().finally(() => {
      running = undefined;
    });
    return running;
  };

  const arm = (): void => {
    // A check that was under way while the interval was changed comes here a second time.
    timer?.cancel();
    if (closed) return;
    timer = clock.setTimer(settings.checkIntervalMs, () => void checkNow().then(arm));
  };
  arm();

  const close = (): Promise<void> => {
    closed = true;
    timer?.cancel();
    return Promise.resolve();
  };

  return {
    name,
    get mode() {
      return mode;
    },
    service<Input, Result>(serviceName: string, given: ServiceOptions<Input, Result>) {
      if (services.has(serviceName)) {
        throw new InvalidArgumentError("degradation.service", "must have a name of its own", serviceName);
      }
      const service = new DegradableService(serviceName, resolveService(given), {
        clock,
        probeIntervalMs: () => settings.probeIntervalMs,
        wayOf,
      });
      services.set(serviceName, service);
      return service;
    },
    isEnabled(feature) {
      const { features = {} } = settings;
      const priority = Object.hasOwn(features, feature) ? features[feature] : undefined;
      if (priority === undefined) {
        throw new InvalidArgumentError("degradation.feature", "must be one of the features declared", feature);
      }
      if (mode === "normal") return true;
      return priority >= (mode === "partial" ? settings.partialPriority : settings.fullPriority);
    },
    override(wanted) {
      checkOneOf("degradation.override", wanted, ["normal", "partial", "full"]);
      forced = wanted;
      settle(true);
    },
    lift() {
      forced = undefined;
      settle(true);
    },
    update(changes) {
      checkOptionNames("degradation", changes, updateNames);
      const updated = { ...settings, ...changes };
      check(updated);
      const rearms = updated.checkIntervalMs !== settings.checkIntervalMs;
      settings = updated;
      if (rearms) arm();
    },
    check: checkNow,
    get metrics() {
      const durationsMs = { ...durations, [mode]: durations[mode] + clock.now() - modeSince };
      const each = [...services].map(([serviceName, service]) => [serviceName, service.metrics] as const);
      const overridden = forced !== undefined;
      return { mode, measured, overridden, modeChanges, durationsMs, services: Object.fromEntries(each) };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One step at a time, so that full mode is left through partial mode and nothing comes back all at once. */
function nextMode(
  mode: DegradationMode,
  share: number,
  { enterThreshold, leaveThreshold }: { readonly enterThreshold: number; readonly leaveThreshold: number },
): DegradationMode {
  if (mode === "normal") return share > enterThreshold ? "partial" : "normal";
  if (mode === "full") return share < 1 ? "partial" : "full";
  if (share === 1) return "full";
  return share < leaveThreshold ? "normal" : "partial";
}

const updateNames: readonly string[] = [
  "enterThreshold",
  "leaveThreshold",
  "checkIntervalMs",
  "probeIntervalMs",
  "features",
  "partialPriority",
  "fullPriority",
];

function check(settings: typeof degradationDefaults & DegradationOptions): void {
  const { enterThreshold, leaveThreshold } = settings;
  checkNumber("degradation.enterThreshold", enterThreshold, 0, 1);
  checkNumber("degradation.leaveThreshold", leaveThreshold, 0, 1);
  if (leaveThreshold >= enterThreshold) {
    throw new InvalidArgumentError(
      "degradation.leaveThreshold",
      `must be below enterThreshold, ${enterThreshold}`,
      leaveThreshold,
    );
  }
  checkInteger("degradation.checkIntervalMs", settings.checkIntervalMs, 1);
  checkNumber("degradation.probeIntervalMs", settings.probeIntervalMs, 0);
  checkNumber("degradation.partialPriority", settings.partialPriority, Number.NEGATIVE_INFINITY);
  checkNumber("degradation.fullPriority", settings.fullPriority, settings.partialPriority);
  for (const [feature, priority] of Object.entries(settings.features ?? {})) {
    checkNumber(`degradation.features.${feature}`, priority, Number.NEGATIVE_INFINITY);
  }
  checkFunction("degradation.onEvent", settings.onEvent);
}

function resolveService<Input, Result>(given: ServiceOptions<Input, Result>): Required<ServiceOptions<Input, Result>> {
  checkOptionNames("degradation.service", given, ["full", "degraded", "shouldDegrade", "degradeAbove", "recoverBelow"]);
  const { degradeAbove = degradationDefaults.degradeAbove, recoverBelow = degradationDefaults.recoverBelow } = given;
  checkNumber("degradation.service.degradeAbove", degradeAbove, 0, 1);
  checkNumber("degradation.service.recoverBelow", recoverBelow, 0, degradeAbove);
  for (const way of ["full", "degraded"] as const) {
    if (typeof given[way] !== "function")
      throw new InvalidArgumentError(`degradation.service.${way}`, "must be a function", given[way]);
  }
  checkFunction("degradation.service.shouldDegrade", given.shouldDegrade);
  const byErrorRate = ({ errorRate, degraded }: ServiceHealth): boolean =>
    degraded ? errorRate >= recoverBelow : errorRate > degradeAbove;
  return { ...given, degradeAbove, recoverBelow, shouldDegrade: given.shouldDegrade ?? byErrorRate };
}
