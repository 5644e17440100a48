import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";

/** What there shall be. */
export interface DesiredCluster {
  /** Members that vote, of those that healing cares for: 1 to 99. */
  readonly voters: number;
  /** Where members may be placed: a new one goes where there are fewest. Default none. */
  readonly zones?: readonly string[];
  /** How many shall bear the load, where that may vary. Default: it may not. */
  readonly scale?: {
    readonly min: number;
    readonly max: number;
    /** Mean load above which one is added. */
    readonly highLoad: number;
    /** Mean load below which one is taken away. */
    readonly lowLoad: number;
  };
}

/** Milliseconds, and how often within an hour. */
export interface HealingTimes {
  /** Without an answer for this long, a member is started anew. Default 10 000. */
  readonly restartAfterMs: number;
  /** Between the first two restarts of a member; twice as long after each. Default 10 000. */
  readonly restartBackoffMs: number;
  /** Without an answer for this long, and no restart left that could help, a member is replaced. Default 60 000. */
  readonly deadForMs: number;
  /** For this long something must be so before it is acted upon that needs no patience. Default 2 000. */
  readonly confirmMs: number;
  /** A process may take this long until it is ready. Default 300 000. */
  readonly startForMs: number;
  /** A new member that has not caught up after this long is taken away again. Default 600 000. */
  readonly learnerPatienceMs: number;
  /** Slow, or with a full disk, for this long: traffic is led elsewhere; twice as long: restart or replacement. Default 15 000. */
  readonly weakForMs: number;
  /** Load must be uneven for this long. Default 60 000. */
  readonly unevenForMs: number;
  /** Members that fall silent within this time fell silent together: a partition is suspected. Default 5 000. */
  readonly togetherMs: number;
  /** How long healing is paused for a suspected partition after the last of them fell silent. Default 120 000. */
  readonly partitionHoldMs: number;
  /** Between the ends and beginnings of what disturbs. Default 10 000. */
  readonly coolDownMs: number;
  /** Kept from acting for this long, healing calls a person. Default 300 000. */
  readonly personAfterMs: number;
  /** Of one member. Default 3. */
  readonly restartsPerHour: number;
  /** Of all. Default 4. */
  readonly replacementsPerHour: number;
  /** Default 6. */
  readonly transfersPerHour: number;
  /** Default 10. */
  readonly movesPerHour: number;
  /** Default 4. */
  readonly scalingsPerHour: number;
  /** A member this far behind has caught up. Default 100. */
  readonly maxLagEntries: number;
}

/** Ways to heal that are known to be wrong, for tests that must find them. */
export const healingBugs = ["remove-before-add", "ignore-partition", "two-at-once", "no-quorum-check"] as const;
export type HealingBug = (typeof healingBugs)[number];

export interface HealingOptions extends Partial<HealingTimes> {
  readonly desired: DesiredCluster;
  readonly plant?: HealingBug;
}

export interface HealingSettings extends HealingTimes {
  readonly desired: DesiredCluster;
  readonly plant: HealingBug | undefined;
}

export const healingDefaults: HealingTimes = {
  restartAfterMs: 10_000,
  restartBackoffMs: 10_000,
  deadForMs: 60_000,
  confirmMs: 2_000,
  startForMs: 300_000,
  learnerPatienceMs: 600_000,
  weakForMs: 15_000,
  unevenForMs: 60_000,
  togetherMs: 5_000,
  partitionHoldMs: 120_000,
  coolDownMs: 10_000,
  personAfterMs: 300_000,
  restartsPerHour: 3,
  replacementsPerHour: 4,
  transfersPerHour: 6,
  movesPerHour: 10,
  scalingsPerHour: 4,
  maxLagEntries: 100,
};

const timeNames = Object.keys(healingDefaults) as readonly (keyof HealingTimes)[];
const counted: ReadonlySet<keyof HealingTimes> = new Set([
  "restartsPerHour",
  "replacementsPerHour",
  "transfersPerHour",
  "movesPerHour",
  "scalingsPerHour",
  "maxLagEntries",
]);

/** @throws InvalidArgumentError */
export function checkHealingOptions(options: HealingOptions): HealingSettings {
  checkOptionNames("healing", options, ["desired", "plant", ...timeNames]);
  const { desired, plant, ...given } = options;
  const times = { ...healingDefaults, ...given };
  for (const name of timeNames) {
    if (counted.has(name)) checkInteger(`healing.${name}`, times[name], 0, Infinity);
    else checkNumber(`healing.${name}`, times[name], 0, Infinity);
  }
  if (plant !== undefined) checkOneOf("healing.plant", plant, healingBugs);
  return { ...times, desired: checkDesired(desired), plant };
}

function checkDesired(desired: DesiredCluster): DesiredCluster {
  checkOptionNames("healing.desired", desired, ["voters", "zones", "scale"]);
  const { voters, zones, scale } = desired;
  checkInteger("healing.desired.voters", voters, 1, 99);
  if (zones !== undefined && (!Array.isArray(zones) || zones.length === 0)) {
    throw new InvalidArgumentError("healing.desired.zones", "must be a list of names", zones);
  }
  if (scale === undefined) return desired;
  checkOptionNames("healing.desired.scale", scale, ["min", "max", "highLoad", "lowLoad"]);
  checkInteger("healing.desired.scale.min", scale.min, 1);
  checkInteger("healing.desired.scale.max", scale.max, scale.min);
  checkNumber("healing.desired.scale.highLoad", scale.highLoad, 0);
  // One member fewer must not be one too few at once.
  checkNumber("healing.desired.scale.lowLoad", scale.lowLoad, 0, scale.highLoad / 2);
  return desired;
}
