import { checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { readRate } from "./chaos-rate.ts";

/** A process dies, the network is slow, the network is cut, a process is starved, a clock is wrong. */
export const chaosKinds = ["kill", "latency", "partition", "resource", "clock"] as const;
export type ChaosKind = (typeof chaosKinds)[number];

export interface ChaosOptions {
  /** The same seed and options give the same plan. */
  readonly seed: number;
  readonly lengthMs: number;
  /** By name, who may be struck. */
  readonly parts: readonly string[];
  /** How often each kind comes: `2/min`, `0.05/h`, `1/day`. Default `defaultChaosRates`; a kind that is left out, never. */
  readonly rates?: Readonly<Partial<Record<ChaosKind, string>>>;
  /** How long a fault of each kind lasts, from and to. Default `defaultChaosDurations`. */
  readonly durationsMs?: Readonly<Partial<Record<ChaosKind, readonly [least: number, most: number]>>>;
  /** When faults may begin: from and to, in milliseconds from the start. Default: all the time. */
  readonly windowsMs?: readonly (readonly [from: number, to: number])[];
  /** The blast radius: parts that may be struck at once. Default 1. */
  readonly maxTargets?: number;
  /** Parts that must always be left alone. Default a majority. */
  readonly quorum?: number;
}

export const defaultChaosRates: Readonly<Record<ChaosKind, string>> = {
  kill: "0.05/min",
  latency: "0.05/min",
  partition: "0.01/h",
  resource: "0.01/h",
  clock: "0.05/day",
};

export const defaultChaosDurations: Readonly<Record<ChaosKind, readonly [least: number, most: number]>> = {
  kill: [30_000, 300_000],
  latency: [10_000, 60_000],
  partition: [300_000, 300_000],
  resource: [180_000, 180_000],
  clock: [3_600_000, 3_600_000],
};

export interface ChaosSettings extends Required<Omit<ChaosOptions, "rates" | "durationsMs">> {
  readonly perMs: Readonly<Record<ChaosKind, number>>;
  readonly durationsMs: Readonly<Record<ChaosKind, readonly [least: number, most: number]>>;
}

const names = ["seed", "lengthMs", "parts", "rates", "durationsMs", "windowsMs", "maxTargets", "quorum"];
const dayMs = 86_400_000;

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkChaosOptions(options: ChaosOptions): ChaosSettings {
  checkOptionNames("chaos", options, names);
  const { parts, rates = defaultChaosRates } = options;
  if (!Array.isArray(parts) || parts.length === 0 || new Set(parts).size < parts.length) {
    throw new InvalidArgumentError("chaos.parts", "must be a list of at least one name, each once", parts);
  }
  checkOptionNames("chaos.rates", rates, chaosKinds);
  checkOptionNames("chaos.durationsMs", options.durationsMs ?? {}, chaosKinds);
  const lengthMs = checkNumber("chaos.lengthMs", options.lengthMs, 1, dayMs);
  const windowsMs = options.windowsMs ?? [[0, lengthMs]];
  for (const [at, window] of windowsMs.entries()) checkRange(`chaos.windowsMs[${at}]`, window, 0);
  const perMs = chaosKinds.map((kind) => [kind, readRate(`chaos.rates.${kind}`, rates[kind] ?? 0)] as const);
  const durations = chaosKinds.map((kind) => {
    const range = options.durationsMs?.[kind] ?? defaultChaosDurations[kind];
    return [kind, checkRange(`chaos.durationsMs.${kind}`, range, 1)] as const;
  });
  return {
    seed: checkInteger("chaos.seed", options.seed, 0),
    lengthMs,
    parts,
    perMs: Object.fromEntries(perMs) as ChaosSettings["perMs"],
    durationsMs: Object.fromEntries(durations) as ChaosSettings["durationsMs"],
    windowsMs,
    maxTargets: checkInteger("chaos.maxTargets", options.maxTargets ?? 1, 1),
    quorum: checkInteger("chaos.quorum", options.quorum ?? Math.floor(parts.length / 2) + 1, 0, parts.length),
  };
}

function checkRange(name: string, value: unknown, least: number): readonly [number, number] {
  const [from, to] =
    Array.isArray(value) && value.length === 2 ? (value as [unknown, unknown]) : [undefined, undefined];
  if (typeof from === "number" && typeof to === "number" && from >= least && to >= from && to <= dayMs) {
    return [from, to];
  }
  throw new InvalidArgumentError(
    name,
    `must be two numbers of at least ${least}, the second not below the first`,
    value,
  );
}
