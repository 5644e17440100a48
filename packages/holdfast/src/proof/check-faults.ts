import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import type { FaultKind, FaultType } from "./fault.ts";
import type { FaultDescription } from "./fault-schedule.ts";

/** A number that may be drawn from `[least, most]`, or one of some words. */
type Rule =
  | { readonly least: number; readonly most?: number; readonly required?: true }
  | { readonly words: readonly string[]; readonly required?: true };

const time: Rule = { least: 0 };
const share: Rule = { least: 0, most: 1 };
const required = true;

/** By type: what it has besides what all have. */
const rules: { readonly [Type in FaultType]: Record<Exclude<keyof Extract<FaultKind, { type: Type }>, "type">, Rule> } =
  {
    crash: { how: { words: ["power", "kill"] } },
    failStop: {},
    slow: { share, everyMs: { least: 1 } },
    byzantine: {
      behaviour: { words: ["wrong", "silent", "delayed", "duplicate"], required },
      share,
      delayMs: time,
    },
    partition: { shape: { words: ["split", "oneWay", "bridge"] } },
    delay: { delayMs: { ...time, required }, jitterMs: time },
    loss: { share: { ...share, required } },
    duplication: { share: { ...share, required }, withinMs: time },
    reordering: { share: { ...share, required }, withinMs: time },
    clog: {},
    reset: {},
    corruptDisk: { bits: { least: 0, most: 1_000_000 }, share },
    fullDisk: { freeBytes: { least: 0 } },
    slowDisk: { extraMs: { ...time, required }, share },
    failingSync: { share },
    clockSkew: { byMs: { least: -1e12, most: 1e12, required } },
    clockDrift: { ppm: { least: -999_999, most: 999_999, required } },
    clockStop: {},
  };

const described: readonly string[] = ["id", "type", "targets", "atMs", "probability", "perMs"];

const general: Readonly<Record<string, Rule>> = {
  waitMs: time,
  durationMs: { ...time, required },
  recoveryMs: time,
};

/** Every kind of fault there is. */
export const faultTypes: readonly FaultType[] = Object.keys(rules) as FaultType[];

/** More would be a mistake, and take for ever. */
const maxFaults = 100_000;

/**
 * Checks a description or a schedule that came from outside; gives it back with its type.
 *
 * @param known whom faults may strike, where that is known: names and selectors, besides `all`, `one` and `some`
 * @throws InvalidArgumentError naming the path, the rule and the value: `faults[2].share must be a number >= 0 and <= 1
 *   (got 7)`
 */
export function checkFaults(value: unknown, known?: readonly string[]): FaultDescription {
  const description = object("schedule", value);
  checkOptionNames("schedule", description, ["seed", "lengthMs", "faults"]);
  checkInteger("schedule.seed", description["seed"], Number.MIN_SAFE_INTEGER);
  checkNumber("schedule.lengthMs", description["lengthMs"], 0);
  const { faults } = description;
  if (!Array.isArray(faults)) throw new InvalidArgumentError("schedule.faults", "must be an array", faults);
  if (faults.length > maxFaults) {
    throw new InvalidArgumentError("schedule.faults", `must be at most ${maxFaults}`, faults);
  }
  for (const [at, fault] of faults.entries()) checkFault(`faults[${at}]`, fault, description, known);
  return value as FaultDescription;
}

/** Reads a description or a schedule from JSON. @throws InvalidArgumentError as `checkFaults` */
export function parseFaults(text: string, known?: readonly string[]): FaultDescription {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError("schedule", `must be JSON: ${(error as Error).message}`, text);
  }
  return checkFaults(value, known);
}

function checkFault(
  path: string,
  value: unknown,
  { lengthMs }: Record<string, unknown>,
  known: readonly string[] | undefined,
): void {
  const fault = object(path, value);
  const type = checkOneOf(`${path}.type`, fault["type"], faultTypes);
  const own = { ...general, ...rules[type] } as Readonly<Record<string, Rule>>;
  checkOptionNames(path, fault, [...described, ...Object.keys(own)]);
  const { id, targets } = fault;
  if (id !== undefined && typeof id !== "string") throw new InvalidArgumentError(`${path}.id`, "must be text", id);
  checkTargets(`${path}.targets`, targets, known);
  checkWhen(path, fault, lengthMs as number);
  for (const [name, rule] of Object.entries(own)) {
    const given = fault[name];
    if (given === undefined && rule.required !== true) continue;
    if ("words" in rule) checkOneOf(`${path}.${name}`, given, rule.words);
    else checkDrawn(`${path}.${name}`, given, rule.least, rule.most);
  }
}

function checkTargets(path: string, targets: unknown, known: readonly string[] | undefined): void {
  if (typeof targets !== "string" && !Array.isArray(targets)) {
    throw new InvalidArgumentError(path, "must be a selector or an array of names", targets);
  }
  const selectors = ["all", "one", "some", ...(known ?? [])];
  for (const [at, name] of (typeof targets === "string" ? [] : (targets as unknown[])).entries()) {
    if (typeof name !== "string") throw new InvalidArgumentError(`${path}[${at}]`, "must be a name", name);
    if (known !== undefined) checkOneOf(`${path}[${at}]`, name, known);
  }
  if (typeof targets === "string" && known !== undefined) checkOneOf(path, targets, selectors);
}

/** Either certain, or with a probability. */
function checkWhen(
  path: string,
  { atMs, probability, perMs }: Readonly<Record<string, unknown>>,
  lengthMs: number,
): void {
  if (probability === undefined) {
    if (perMs !== undefined) throw new InvalidArgumentError(`${path}.perMs`, "must come with a probability", perMs);
    checkDrawn(`${path}.atMs`, atMs, 0);
    return;
  }
  if (atMs !== undefined) throw new InvalidArgumentError(`${path}.atMs`, "must not come with a probability", atMs);
  checkNumber(`${path}.probability`, probability, 0, 1);
  checkNumber(`${path}.perMs`, perMs, Math.max(1, lengthMs / maxFaults));
}

function checkDrawn(path: string, value: unknown, least: number, most?: number): void {
  if (!Array.isArray(value)) {
    checkNumber(path, value, least, most);
    return;
  }
  const [from, to, ...more] = value as unknown[];
  if (more.length > 0) throw new InvalidArgumentError(path, "must be a number or [least, most]", value);
  checkNumber(`${path}[0]`, from, least, most);
  checkNumber(`${path}[1]`, to, from as number, most);
}

function object(path: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InvalidArgumentError(path, "must be an object", value);
}
