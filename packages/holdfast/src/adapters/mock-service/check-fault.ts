import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultParameters } from "../../proof/index.ts";
import type { MockFaultKind } from "./mock-fault.ts";
import { PathPattern } from "./path-pattern.ts";

type Numbers = readonly [check: typeof checkInteger, least: number, most: number, defaultValue?: number];

const day = 86_400_000;
const time: Numbers = [checkNumber, 0, day];
const bytes: Numbers = [checkInteger, 0, 1e9];

interface Rule {
  readonly numbers?: Readonly<Record<string, Numbers>>;
  /** Of those in `numbers`, which must be given. */
  readonly required?: readonly string[];
  readonly words?: Readonly<Record<string, readonly string[]>>;
}

/** By kind: its own parameters. The first of its words is the default. */
const rules: Readonly<Record<MockFaultKind, Rule>> = {
  latency: { words: { distribution: ["constant", "uniform", "normal"] } },
  status: { numbers: { status: [checkInteger, 400, 599, 500], retryAfterS: [checkInteger, 0, 31_536_000] } },
  rateLimit: {
    numbers: {
      requests: [checkInteger, 0, 1e9],
      perMs: [checkNumber, 1, day, 1_000],
      status: [checkInteger, 400, 599, 429],
    },
    required: ["requests"],
  },
  hang: { numbers: { forMs: time } },
  reset: { numbers: { bytes }, words: { when: ["beforeHeaders", "afterHeaders", "inBody"] } },
  close: {},
  garbage: { numbers: { bytes: [checkInteger, 1, 1_000_000, 64] } },
  partialBody: { numbers: { bytes } },
  truncatedChunks: { numbers: { bytes } },
  corruptBody: { numbers: { share: [checkNumber, 0, 1, 0.01] } },
  malformedJson: {},
  wrongType: {},
  slowBody: { numbers: { bytesPerSecond: [checkNumber, 1, 1e12] }, required: ["bytesPerSecond"] },
  down: {},
};

/** What the distributions of latency are told by; all must be given. */
const distributions: Readonly<Record<string, readonly string[]>> = {
  constant: ["delayMs"],
  uniform: ["minMs", "maxMs"],
  normal: ["meanMs", "deviationMs"],
};

export const mockFaultKinds: readonly MockFaultKind[] = Object.keys(rules) as MockFaultKind[];

const aimNumbers: Readonly<Record<string, Numbers>> = {
  ratio: [checkNumber, 0, 1, 1],
  skip: [checkInteger, 0, 1e9, 0],
  times: [checkInteger, 1, 1e9],
};
const aimTexts = ["route", "method", "path"];

/**
 * Checks the parameters of a kind and fills in the defaults; what has none and was not given is not there.
 *
 * @throws InvalidArgumentError: `fault.ratio must be a number >= 0 and <= 1 (got 7)`
 */
export function checkFault(at: string, kind: MockFaultKind, parameters: FaultParameters): FaultParameters {
  const { words = {}, ...rest } = rules[kind];
  const checked: Record<string, number | string | boolean> = {};
  for (const [name, allowed] of Object.entries(words)) {
    checked[name] = checkOneOf(`${at}.${name}`, parameters[name] ?? allowed[0], allowed);
  }
  const own = kind === "latency" ? latencyRule(String(checked["distribution"])) : rest;
  const numbers = { ...own.numbers, ...(kind === "down" ? {} : aimNumbers) };
  const texts = kind === "down" ? [] : kind === "wrongType" ? [...aimTexts, "type"] : aimTexts;
  checkOptionNames(at, parameters, [...Object.keys(words), ...Object.keys(numbers), ...texts]);
  for (const [name, [check, least, most, defaultValue]] of Object.entries(numbers)) {
    const value = parameters[name] ?? defaultValue;
    if (value === undefined && own.required?.includes(name) !== true) continue;
    checked[name] = check(`${at}.${name}`, value, least, most);
  }
  for (const name of texts) {
    const text = readText(at, name, parameters[name]);
    if (text !== undefined) checked[name] = text;
  }
  if (Number(checked["minMs"]) > Number(checked["maxMs"])) {
    throw new InvalidArgumentError(`${at}.minMs`, "must be at most maxMs", checked["minMs"]);
  }
  if (checked["when"] !== undefined && checked["when"] !== "inBody" && checked["bytes"] !== undefined) {
    throw new InvalidArgumentError(`${at}.bytes`, "must be there only when it resets inBody", checked["bytes"]);
  }
  return checked;
}

function latencyRule(distribution: string): Rule {
  const required = distributions[distribution] ?? [];
  return { numbers: Object.fromEntries([...required, "jitterMs"].map((name) => [name, time])), required };
}

function readText(at: string, name: string, value: unknown): string | undefined {
  if (name === "type" && value === undefined) return "text/html";
  if (value === undefined) return undefined;
  if (name === "path") return new PathPattern(`${at}.path`, value).text;
  if (typeof value !== "string" || value === "" || value.length > 200 || /[^\t\u0020-\u007e]/.test(value)) {
    if (name !== "route" || typeof value !== "string" || value === "") {
      throw new InvalidArgumentError(`${at}.${name}`, "must be text", value);
    }
  }
  return name === "method" ? value.toUpperCase() : value;
}
