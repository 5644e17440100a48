import type { ServiceReport } from "holdfast/telemetry";
import { Problem } from "./problem.ts";

/** Checks a value found at a path. @throws Problem 400 with the path */
type Rule = (value: unknown, path: string) => void;

const maxText = 1_024;
const maxEntries = 100;

/**
 * What somebody calls a report of a service, known to be one: nothing in it is missing, too much, too long or of another
 * kind.
 *
 * @throws Problem 400: `policies[3].failureRatio must be a number 0..1 or null (got 7)`
 */
export function checkReport(value: unknown): ServiceReport {
  report(value, "");
  return value as ServiceReport;
}

const text =
  (least: number, most: number): Rule =>
  (value, path) => {
    if (typeof value === "string" && value.length >= least && value.length <= most) return;
    refuse(path, `must be a text of ${least} to ${most} characters`, value);
  };

const number =
  (least: number, most: number): Rule =>
  (value, path) => {
    if (typeof value === "number" && value >= least && value <= most) return;
    refuse(path, most === 1 ? "must be a number 0..1" : `must be a number >= ${least}`, value);
  };

const truth: Rule = (value, path) => {
  if (typeof value !== "boolean") refuse(path, "must be true or false", value);
};

const oneOf =
  (...words: readonly string[]): Rule =>
  (value, path) => {
    if (!words.includes(value as string)) refuse(path, `must be one of ${words.join(", ")}`, value);
  };

const orNull =
  (rule: Rule): Rule =>
  (value, path) => {
    if (value !== null) rule(value, path);
  };

const list =
  (most: number, rule: Rule): Rule =>
  (value, path) => {
    if (!Array.isArray(value)) throw refusal(path, "must be a list", value);
    if (value.length > most) refuse(path, `must have at most ${most} entries`, value.length);
    for (const [at, entry] of value.entries()) rule(entry, `${path}[${at}]`);
  };

/** An object with exactly these members; those of `optional` may be absent. */
const object =
  (required: Readonly<Record<string, Rule>>, optional: Readonly<Record<string, Rule>> = {}): Rule =>
  (value, path) => {
    const given = objectAt(value, path);
    const present = Object.entries(optional).filter(([name]) => Object.hasOwn(given, name));
    const members = { ...required, ...Object.fromEntries(present) };
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(members, name)) refuse(join(path, name), "is not known", given[name]);
    }
    for (const [name, rule] of Object.entries(members)) rule(given[name], join(path, name));
  };

/** An object with names that its author chose. */
const table =
  (rule: Rule): Rule =>
  (value, path) => {
    const entries = Object.entries(objectAt(value, path));
    if (entries.length > maxEntries) refuse(path, `must have at most ${maxEntries} entries`, entries.length);
    for (const [name, entry] of entries) {
      text(1, 128)(name, `a name in ${path}`);
      rule(entry, join(path, name));
    }
  };

const time = number(0, Number.MAX_SAFE_INTEGER);
const amount = number(0, Number.MAX_VALUE);
const any = number(-Number.MAX_VALUE, Number.MAX_VALUE);
const states = ["healthy", "degraded", "unhealthy"] as const;

const component = object(
  {
    name: text(1, 128),
    state: oneOf(...states, "unknown"),
    isCritical: truth,
    details: orNull(text(0, maxText)),
    checkedAt: orNull(time),
  },
  { since: time },
);

const health = object({
  state: oneOf(...states),
  isLive: truth,
  isReady: truth,
  isDraining: truth,
  components: list(200, component),
});

const policy = object({
  kind: text(1, 64),
  name: text(0, 256),
  state: orNull(text(1, 64)),
  isForced: truth,
  callsPerSecond: amount,
  failureRatio: orNull(number(0, 1)),
  durationMs: orNull(object({ p50: amount, p90: amount, p99: amount })),
  counts: table(amount),
  gauges: table(any),
  configuration: table(text(0, maxText)),
});

const errorGroup = object({
  fingerprint: text(1, 64),
  kind: text(1, 64),
  code: text(0, 128),
  message: text(0, maxText),
  count: amount,
  ratePerSecond: amount,
  firstAt: time,
  lastAt: time,
});

const report = object({
  service: text(1, 128),
  instance: text(1, 128),
  at: time,
  startedAt: time,
  health: orNull(health),
  policies: list(500, policy),
  errors: list(50, errorGroup),
  omitted: amount,
});

function objectAt(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuse(path === "" ? "the report" : path, "must be an object", value);
}

function join(path: string, name: string): string {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return path === "" ? shown : `${path}.${shown}`;
}

function refuse(path: string, rule: string, value: unknown): never {
  throw refusal(path, rule, value);
}

function refusal(path: string, rule: string, value: unknown): Problem {
  return new Problem(400, `${path} ${rule} (got ${shown(value)})`);
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 80);
  } catch {
    return "something nested too deep";
  }
}
