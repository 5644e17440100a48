import { checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { readRule } from "./drill-rule.ts";
import {
  defaultDrillLoad,
  defaultDrillTimeouts,
  type DrillFaultPlan,
  type DrillLoad,
  type DrillScenario,
  type DrillTimeouts,
} from "./drill-scenario.ts";
import { readDuration } from "./duration.ts";

const own = [
  "name",
  "summary",
  "stage",
  "rounds",
  "load",
  "faults",
  "steadyState",
  "abortUnless",
  "invariants",
  "expect",
  "timeouts",
];
const ofFault = ["id", "kind", "target", "targets", "after", "for"];
const namePattern = /^[\w.-]{1,64}$/;
const maxFaults = 1_000;

/**
 * Reads a scenario as people write it: `after: 2s`, `target: leader`, a fault's parameters beside its `kind`.
 *
 * @throws InvalidArgumentError naming the place, the rule and the value: `faults[1].after must be a duration … (got "abc")`
 */
export function checkScenario(value: unknown): DrillScenario {
  const given = objectAt("scenario", value);
  checkOptionNames("scenario", given, own);
  const { name, summary = "", rounds = 1, faults = [] } = given;
  if (typeof name !== "string" || !namePattern.test(name)) {
    throw new InvalidArgumentError("name", "must be 1 to 64 letters, digits, _, . and -", name);
  }
  if (typeof summary !== "string") throw new InvalidArgumentError("summary", "must be text", summary);
  if (!Array.isArray(faults) || faults.length > maxFaults) {
    throw new InvalidArgumentError("faults", `must be a list of at most ${maxFaults}`, faults);
  }
  const plans = faults.map((fault: unknown, at) => readFault(fault, at));
  for (const [at, { id }] of plans.entries()) {
    if (plans.findIndex((other) => other.id === id) < at) {
      throw new InvalidArgumentError(`faults[${at}].id`, "must be unique", id);
    }
  }
  return {
    name,
    summary,
    stage: scalarsOf("stage", objectAt("stage", given["stage"] ?? {}), []),
    rounds: checkInteger("rounds", rounds, 1, 1_000),
    load: readLoad(given["load"]),
    faults: plans,
    steadyState: readRules("steadyState", given["steadyState"]),
    abortUnless: readRules("abortUnless", given["abortUnless"]),
    invariants: readRules("invariants", given["invariants"]),
    expect: readRules("expect", given["expect"]),
    timeouts: readTimeouts(given["timeouts"]),
  };
}

function readFault(value: unknown, at: number): DrillFaultPlan {
  const path = `faults[${at}]`;
  const fault = objectAt(path, value);
  const { kind, id = `${String(kind)}-${at + 1}`, target, targets = target } = fault;
  if (typeof kind !== "string" || kind === "") throw new InvalidArgumentError(`${path}.kind`, "must be a name", kind);
  if (typeof id !== "string" || !namePattern.test(id)) {
    throw new InvalidArgumentError(`${path}.id`, "must be 1 to 64 letters, digits, _, . and -", id);
  }
  if (target !== undefined && fault["targets"] !== undefined) {
    throw new InvalidArgumentError(`${path}.target`, "must not be given with targets", target);
  }
  if (!isTargets(targets)) {
    const field = target === undefined ? "targets" : "target";
    throw new InvalidArgumentError(`${path}.${field}`, "must be a name or a list of names", targets);
  }
  return {
    id,
    kind,
    targets,
    afterMs: readDuration(`${path}.after`, fault["after"] ?? 0),
    forMs: fault["for"] === undefined ? undefined : readDuration(`${path}.for`, fault["for"], 1),
    parameters: scalarsOf(path, fault, ofFault),
  };
}

function isTargets(value: unknown): value is string | readonly string[] {
  if (typeof value === "string") return value !== "";
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string");
}

function readLoad(value: unknown): DrillLoad {
  const load = objectAt("load", value ?? {});
  checkOptionNames("load", load, ["for", "clients", "rate"]);
  return {
    forMs: load["for"] === undefined ? defaultDrillLoad.forMs : readDuration("load.for", load["for"], 100),
    clients: checkInteger("load.clients", load["clients"] ?? defaultDrillLoad.clients, 0, 64),
    ratePerSecond: checkNumber("load.rate", load["rate"] ?? defaultDrillLoad.ratePerSecond, 0, 1_000_000),
  };
}

function readTimeouts(value: unknown): DrillTimeouts {
  const timeouts = objectAt("timeouts", value ?? {});
  const names = Object.keys(defaultDrillTimeouts).map((name) => name.slice(0, -2));
  checkOptionNames("timeouts", timeouts, names);
  const given = Object.entries(timeouts).map(([name, time]) => [
    `${name}Ms`,
    readDuration(`timeouts.${name}`, time, 1),
  ]);
  return { ...defaultDrillTimeouts, ...(Object.fromEntries(given) as Partial<DrillTimeouts>) };
}

function readRules(path: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new InvalidArgumentError(path, "must be a list of rules like p99Ms < 50", value);
  for (const [at, rule] of value.entries()) readRule(`${path}[${at}]`, rule);
  return value as string[];
}

function scalarsOf(path: string, value: object, but: readonly string[]): Record<string, number | string | boolean> {
  const scalars = Object.entries(value).filter(([name]) => !but.includes(name));
  for (const [name, scalar] of scalars) {
    if (!["number", "string", "boolean"].includes(typeof scalar)) {
      throw new InvalidArgumentError(`${path}.${name}`, "must be a number, text, true or false", scalar);
    }
  }
  return Object.fromEntries(scalars) as Record<string, number | string | boolean>;
}

function objectAt(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InvalidArgumentError(path, "must be an object", value);
}
