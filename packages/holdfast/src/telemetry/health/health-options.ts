import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import type { HealthFact } from "../health-fact.ts";

/** What a check says when it does not throw: nothing is well. */
export interface CheckAnswer {
  readonly state?: "healthy" | "degraded" | "unhealthy";
  /** For people; at most 500 characters are kept. */
  readonly details?: string;
}

/** Looks at one component. What it throws or rejects with says that the component is unhealthy, and why. */
export type HealthCheck = (context: { readonly signal: AbortSignal }) => unknown;

export interface ComponentOptions {
  /** Asked again and again. Without one, `health.set` says how the component is. */
  readonly check?: HealthCheck;
  /**
   * Whether nothing works without it: then what it says decides on readiness. An optional one only degrades. Default
   * true. Make what all instances share optional, or its failure takes all of them out of rotation at once.
   */
  readonly critical?: boolean;
  /** Between the end of one check and the next. Default 10 000 ms. */
  readonly intervalMs?: number;
  /** A check that takes longer has failed, and its signal fires. Default 2 000 ms. */
  readonly timeoutMs?: number;
  /** Failures in a row until it counts as unhealthy. Default 3; the very first check decides at once. */
  readonly failureThreshold?: number;
  /** Successes in a row until it counts as healthy again. Default 2. */
  readonly successThreshold?: number;
  /** What was said longer ago counts as unknown. Default three intervals and a timeout; never for `health.set`. */
  readonly staleMs?: number;
}

export interface HealthOptions {
  readonly components?: Readonly<Record<string, ComponentOptions>>;
  /** Whether `health.started()` must be called before it is ready, beside the first success of what is critical. Default false. */
  readonly waitsForStart?: boolean;
  /** Told after every change of a component, and of the whole. */
  readonly onEvent?: (event: HealthEvent) => void;
  readonly clock?: Clock;
}

/** The whole, or one component, has changed: what a telemetry is told, too. */
export type HealthEvent = HealthFact;

/** Without `staleMs`, which follows from the others. */
export const healthDefaults: {
  readonly critical: boolean;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
} = { critical: true, intervalMs: 10_000, timeoutMs: 2_000, failureThreshold: 3, successThreshold: 2 };

export interface ComponentSettings {
  readonly check: HealthCheck | undefined;
  readonly critical: boolean;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly staleMs: number;
}

const dayMs = 24 * 3_600_000;

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkComponent(path: string, options: ComponentOptions): ComponentSettings {
  checkOptionNames(path, options, [...Object.keys(healthDefaults), "check", "staleMs"]);
  const { check, critical = healthDefaults.critical } = options;
  checkFunction(`${path}.check`, check);
  checkOneOf(`${path}.critical`, String(critical), ["true", "false"]);
  const ms = (name: "intervalMs" | "timeoutMs"): number =>
    checkNumber(`${path}.${name}`, options[name] ?? healthDefaults[name], 1, dayMs);
  const count = (name: "failureThreshold" | "successThreshold"): number =>
    checkInteger(`${path}.${name}`, options[name] ?? healthDefaults[name], 1, 1_000);
  const [intervalMs, timeoutMs] = [ms("intervalMs"), ms("timeoutMs")];
  const stale = options.staleMs ?? 3 * intervalMs + timeoutMs;
  return {
    check,
    critical,
    intervalMs,
    timeoutMs,
    failureThreshold: count("failureThreshold"),
    successThreshold: count("successThreshold"),
    staleMs: check === undefined ? Infinity : checkNumber(`${path}.staleMs`, stale, intervalMs, 7 * dayMs),
  };
}

export interface HealthSettings {
  readonly components: ReadonlyMap<string, ComponentSettings>;
  readonly waitsForStart: boolean;
  readonly onEvent: HealthOptions["onEvent"];
  readonly clock: Clock;
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkHealthOptions(options: HealthOptions): HealthSettings {
  checkOptionNames("health", options, ["components", "waitsForStart", "onEvent", "clock"]);
  const { components = {}, waitsForStart = false, onEvent, clock = systemClock } = options;
  checkFunction("health.onEvent", onEvent);
  checkOneOf("health.waitsForStart", String(waitsForStart), ["true", "false"]);
  const checked = Object.entries(components).map(
    ([name, each]) => [checkComponentName(name), checkComponent(`health.components.${name}`, each)] as const,
  );
  return { components: new Map(checked), waitsForStart, onEvent, clock };
}

const maxNameLength = 128;

/** @throws InvalidArgumentError */
export function checkComponentName(name: string): string {
  if (typeof name === "string" && name !== "" && name.length <= maxNameLength) return name;
  throw new InvalidArgumentError("health component", `must be a name of 1 to ${maxNameLength} characters`, name);
}
