import { seededRandom, type Random } from "../../runtime/index.ts";
import type { DrillFaultPlan } from "../drill/drill-scenario.ts";
import {
  chaosKinds,
  checkChaosOptions,
  type ChaosKind,
  type ChaosOptions,
  type ChaosSettings,
} from "./chaos-options.ts";

/** A fault that chance asked for, and safety did not allow. */
export interface WithheldFault {
  readonly atMs: number;
  readonly kind: ChaosKind;
  readonly why: "window" | "blast radius" | "quorum";
}

export interface ChaosPlan {
  readonly seed: number;
  /** In the order in which they begin. */
  readonly faults: readonly DrillFaultPlan[];
  readonly withheld: readonly WithheldFault[];
}

/** More would be a mistake in a rate. */
const maxFaults = 1_000;
const shapes = ["isolate", "outbound", "inbound"] as const;

/**
 * Draws what a chaos monkey does: each kind comes by chance at its rate, to parts by chance, and never to more at once than
 * allowed. Who was struck and when is settled here, so that it can be read before it happens, and repeated.
 *
 * @throws InvalidArgumentError naming the option that breaks its rule
 * @example
 * const { faults } = chaosPlan({ seed: 1, lengthMs: 60_000, parts: ["n1", "n2", "n3"], rates: { kill: "2/min" } });
 */
export function chaosPlan(options: ChaosOptions): ChaosPlan {
  const settings = checkChaosOptions(options);
  const random = seededRandom(settings.seed);
  const wanted = chaosKinds
    .flatMap((kind) => arrivals(settings, kind, random.fork(kind)))
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(0, maxFaults);
  const targets = random.fork("targets");
  const faults: DrillFaultPlan[] = [];
  const withheld: WithheldFault[] = [];
  for (const { atMs, kind, forMs, draws } of wanted) {
    const why = isAllowedAt(settings, atMs) ? choose(atMs, forMs) : "window";
    if (typeof why === "string") withheld.push({ atMs, kind, why });
    else
      faults.push({
        id: `${kind}-${faults.length + 1}`,
        targets: why,
        afterMs: atMs,
        forMs,
        ...effects[kind](...draws),
      });
  }
  return { seed: settings.seed, faults, withheld };

  /** One part that nothing strikes at the time, or why there is none. */
  function choose(atMs: number, forMs: number): readonly string[] | WithheldFault["why"] {
    const { parts, maxTargets, quorum } = settings;
    const struck = new Set(
      faults
        .filter((fault) => fault.afterMs < atMs + forMs && fault.afterMs + (fault.forMs ?? 0) + restMs > atMs)
        .flatMap((fault) => fault.targets),
    );
    const free = parts.filter((part) => !struck.has(part));
    if (struck.size >= maxTargets || free.length === 0) return "blast radius";
    if (parts.length - struck.size - 1 < quorum) return "quorum";
    return [free[targets.integer(0, free.length - 1)]!];
  }
}

/** What was struck takes its time to be well again. */
const restMs = 3_000;

interface Arrival {
  readonly atMs: number;
  readonly kind: ChaosKind;
  readonly forMs: number;
  /** What the kind's parameters are drawn with. */
  readonly draws: readonly [number, number];
}

/** Moments with the rate's mean distance, which know nothing of each other. */
function arrivals({ perMs, lengthMs, durationsMs }: ChaosSettings, kind: ChaosKind, random: Random): Arrival[] {
  const found: Arrival[] = [];
  if (perMs[kind] === 0) return found;
  const [least, most] = durationsMs[kind];
  for (let atMs = 0; found.length < maxFaults;) {
    atMs += -Math.log(1 - random.next()) / perMs[kind];
    if (atMs >= lengthMs) break;
    const drawnMs = least + random.next() * (most - least);
    // Nothing outlasts the run.
    const forMs = Math.max(1, Math.round(Math.min(drawnMs, lengthMs - atMs)));
    found.push({ atMs: Math.round(atMs), kind, forMs, draws: [random.next(), random.next()] });
  }
  return found;
}

function isAllowedAt({ windowsMs }: ChaosSettings, atMs: number): boolean {
  return windowsMs.some(([from, to]) => atMs >= from && atMs < to);
}

type Effect = Pick<DrillFaultPlan, "kind" | "parameters">;

/** What each kind does, with two numbers from 0 to 1 to draw it by. */
const effects: Readonly<Record<ChaosKind, (first: number, second: number) => Effect>> = {
  kill: () => ({ kind: "kill", parameters: {} }),
  latency: (first, second) => ({
    kind: "delay",
    parameters: { delayMs: Math.round(10 + first * 240), jitterMs: Math.round(second * 250) },
  }),
  partition: (first) => ({
    kind: "partition",
    parameters: { shape: shapes[Math.floor(first * shapes.length)]! },
  }),
  resource: (first, second) =>
    first < 0.5
      ? { kind: "blockedLoop", parameters: { share: Math.round((0.3 + second * 0.6) * 100) / 100, everyMs: 100 } }
      : { kind: "memory", parameters: { bytes: Math.round((64 + second * 192) * 1024 * 1024) } },
  clock: (first, second) => ({
    kind: "clockSkew",
    parameters: { byMs: Math.round((first < 0.5 ? -1 : 1) * (1_000 + second * 9_000)) },
  }),
};
