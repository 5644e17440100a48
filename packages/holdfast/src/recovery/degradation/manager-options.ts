import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import type { DegradationFact, Telemetry } from "../../telemetry/index.ts";
import { dependencyOrder } from "../dependency-order.ts";
import type { FeatureDeclaration } from "./feature-ladder.ts";

export interface ServiceDependency {
  readonly service: string;
  /** It can do without, somehow. Default false. */
  readonly optional?: boolean;
}

export interface DegradationThresholds {
  /** Normal → partial at a check that finds a higher error rate, 0..1. Default 0.1. */
  readonly enter: number;
  /** Partial → normal at a check that finds a lower one, below `enter`. Default 0.05. */
  readonly leave: number;
  /** Partial → full at a check that finds a higher one, at least `enter`; back below half of it. Default 0.5. */
  readonly full: number;
  /** What the error rate is of. Default 60 000. */
  readonly windowMs: number;
  /** Fewer calls since the last change say nothing. Default 10. */
  readonly minCalls: number;
  /** Default 30 000. */
  readonly checkIntervalMs: number;
}

export interface ManagedServiceOptions {
  /** Services it needs; a name alone is one that it cannot do without. */
  readonly dependsOn?: readonly (string | ServiceDependency)[];
  /** Shed by this service's mode. */
  readonly features?: readonly FeatureDeclaration[];
  readonly thresholds?: Partial<DegradationThresholds>;
}

export interface DegradationManagerOptions {
  readonly services: Readonly<Record<string, ManagedServiceOptions>>;
  /** Features of no single service: shed by the overall mode. */
  readonly features?: readonly FeatureDeclaration[];
  /** Overall: normal → partial when a larger share of the services is degraded, 0..1. Default 0.1. */
  readonly enterShare?: number;
  /** Overall: partial → normal when a smaller share is, below `enterShare`. Default 0.05. */
  readonly leaveShare?: number;
  /** In partial mode features of a lower priority may be off. Default 5. */
  readonly partialPriority?: number;
  /** In full mode features of a lower priority are off, at least `partialPriority`. Default 8. */
  readonly fullPriority?: number;
  /** How long a mode, or a level of features, stays before it becomes one step better. Default 30 000. */
  readonly holdMs?: number;
  /** How often a call of a service in full mode is admitted to measure it. Default 5 000. */
  readonly probeIntervalMs?: number;
  readonly telemetry?: Pick<Telemetry, "publish">;
  readonly onEvent?: (event: DegradationFact) => void;
  readonly clock?: Clock;
}

export const degradationThresholds: {
  readonly service: DegradationThresholds;
  /** Sooner and for less: a cache that fails sends its load elsewhere. */
  readonly cache: DegradationThresholds;
} = {
  service: { enter: 0.1, leave: 0.05, full: 0.5, windowMs: 60_000, minCalls: 10, checkIntervalMs: 30_000 },
  cache: { enter: 0.05, leave: 0.02, full: 0.5, windowMs: 60_000, minCalls: 10, checkIntervalMs: 10_000 },
};

export const degradationManagerDefaults: {
  readonly enterShare: number;
  readonly leaveShare: number;
  readonly partialPriority: number;
  readonly fullPriority: number;
  readonly holdMs: number;
  readonly probeIntervalMs: number;
} = {
  enterShare: 0.1,
  leaveShare: 0.05,
  partialPriority: 5,
  fullPriority: 8,
  holdMs: 30_000,
  probeIntervalMs: 5_000,
};

export interface ManagedServiceSettings {
  readonly name: string;
  readonly dependsOn: readonly Required<ServiceDependency>[];
  readonly features: readonly FeatureDeclaration[];
  readonly thresholds: DegradationThresholds;
}

export interface ManagerSettings extends Required<
  Omit<DegradationManagerOptions, "services" | "telemetry" | "onEvent">
> {
  /** What is needed before what needs it. */
  readonly services: readonly ManagedServiceSettings[];
  readonly telemetry: DegradationManagerOptions["telemetry"];
  readonly onEvent: DegradationManagerOptions["onEvent"];
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkManagerOptions(options: DegradationManagerOptions): ManagerSettings {
  const own = ["services", "features", "telemetry", "onEvent", "clock"];
  checkOptionNames("degradationManager", options, [...Object.keys(degradationManagerDefaults), ...own]);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = { ...degradationManagerDefaults, ...(given as unknown as DegradationManagerOptions) };
  const { enterShare, leaveShare, clock = systemClock, telemetry, onEvent } = all;
  checkNumber("degradationManager.enterShare", enterShare, 0, 1);
  checkBelow("degradationManager.leaveShare", leaveShare, "enterShare", enterShare);
  checkNumber("degradationManager.partialPriority", all.partialPriority, Number.NEGATIVE_INFINITY);
  checkNumber("degradationManager.fullPriority", all.fullPriority, all.partialPriority);
  checkNumber("degradationManager.holdMs", all.holdMs, 0);
  checkNumber("degradationManager.probeIntervalMs", all.probeIntervalMs, 0);
  checkFunction("degradationManager.onEvent", onEvent);
  const byName = new Map(Object.entries(all.services).map(([name, each]) => [name, readService(name, each)]));
  const named = new Set<string>();
  const features = readFeatures("degradationManager.features", all.features ?? [], named);
  for (const { name, dependsOn, features: owned } of byName.values()) {
    const option = `degradationManager.services.${name}`;
    readFeatures(`${option}.features`, owned, named);
    for (const [at, { service }] of dependsOn.entries()) {
      if (byName.has(service)) continue;
      throw new InvalidArgumentError(`${option}.dependsOn[${at}]`, "must be one of the services", service);
    }
  }
  const direct = Array.from(
    byName,
    ([name, { dependsOn }]) => [name, dependsOn.map(({ service }) => service)] as const,
  );
  const { order } = dependencyOrder("degradationManager.services", new Map(direct));
  const services = order.flatMap((name) => byName.get(name) ?? []);
  return { ...all, services, features, telemetry, onEvent, clock };
}

function readService(name: string, options: ManagedServiceOptions): ManagedServiceSettings {
  const option = `degradationManager.services.${name}`;
  checkOptionNames(option, options, ["dependsOn", "features", "thresholds"]);
  const { dependsOn = [], features = [], thresholds: given = {} } = options;
  checkOptionNames(`${option}.thresholds`, given, Object.keys(degradationThresholds.service));
  const thresholds = { ...degradationThresholds.service, ...given };
  checkNumber(`${option}.thresholds.enter`, thresholds.enter, 0, 1);
  checkBelow(`${option}.thresholds.leave`, thresholds.leave, "enter", thresholds.enter);
  checkNumber(`${option}.thresholds.full`, thresholds.full, thresholds.enter, 1);
  checkNumber(`${option}.thresholds.windowMs`, thresholds.windowMs, 1);
  checkInteger(`${option}.thresholds.minCalls`, thresholds.minCalls, 1);
  checkNumber(`${option}.thresholds.checkIntervalMs`, thresholds.checkIntervalMs, 1);
  const needed = dependsOn.map((each) =>
    typeof each === "string" ? { service: each, optional: false } : { optional: false, ...each },
  );
  return { name, dependsOn: needed, features, thresholds };
}

function readFeatures(
  option: string,
  features: readonly FeatureDeclaration[],
  named: Set<string>,
): readonly FeatureDeclaration[] {
  for (const [at, { name, priority }] of features.entries()) {
    if (typeof name !== "string" || name === "" || named.has(name)) {
      throw new InvalidArgumentError(`${option}[${at}].name`, "must be a name of its own", name);
    }
    named.add(name);
    checkNumber(`${option}[${at}].priority`, priority, Number.NEGATIVE_INFINITY);
  }
  return features;
}

function checkBelow(option: string, value: number, above: string, limit: number): void {
  checkNumber(option, value, 0, 1);
  if (value >= limit) throw new InvalidArgumentError(option, `must be below ${above}, ${limit}`, value);
}
