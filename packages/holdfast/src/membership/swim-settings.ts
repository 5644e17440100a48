import { InvalidArgumentError } from "../errors/base.ts";
import { maxIncarnation, maxMetaBytes, maxNameBytes, type Member } from "./member.ts";
import type { AliveUpdate } from "./message.ts";
import { defaultSwimOptions, swimProfiles, type SwimOptions, type SwimTiming } from "./swim-options.ts";

/** Options with every default filled in. */
export type SwimSettings = Required<SwimOptions>;

const timingNames = Object.keys(swimProfiles.lan) as (keyof SwimTiming)[];

const optionNames: readonly string[] = [
  ...timingNames,
  ...Object.keys(defaultSwimOptions),
  "name",
  "host",
  "port",
  "meta",
  "random",
  "sizeOf",
  "now",
];

/** Those that count something, and how many there must be. */
const counts: Partial<Record<keyof SwimOptions, number>> = {
  indirectProbes: 0,
  gossipNodes: 1,
  maxHealthMult: 1,
  maxPacketBytes: 64,
  maxMembers: 1,
  maxBroadcasts: 1,
  incarnation: 0,
  port: 1,
};

/** Those that may be 0. */
const mayBeZero: ReadonlySet<keyof SwimTiming> = new Set(["gossipToTheDeadMs", "reclaimMs"]);

/** @throws InvalidArgumentError when an option is unknown or breaks its rule */
export function swimSettings(options: SwimOptions): SwimSettings {
  for (const [name, value] of Object.entries(options)) {
    if (!optionNames.includes(name)) throw new InvalidArgumentError(`swim.${name}`, "is no option", value);
  }
  const profile = options.profile ?? defaultSwimOptions.profile;
  if (!Object.hasOwn(swimProfiles, profile)) {
    throw new InvalidArgumentError("swim.profile", 'must be "lan", "wan" or "local"', profile);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings: SwimSettings = {
    ...swimProfiles[profile],
    ...defaultSwimOptions,
    meta: new Uint8Array(0),
    now: 0,
    ...(given as unknown as SwimOptions),
  };
  checkNumbers(settings);
  checkName("swim.name", settings.name);
  if (settings.host === "") throw new InvalidArgumentError("swim.host", "must not be empty", settings.host);
  checkMeta(settings, settings.meta);
  return settings;
}

function checkNumbers(settings: SwimSettings): void {
  for (const [name, least] of Object.entries(counts) as [keyof SwimSettings, number][]) {
    const value = settings[name];
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      throw new InvalidArgumentError(`swim.${name}`, `must be an integer >= ${least}`, value);
    }
  }
  if (settings.incarnation >= maxIncarnation) {
    throw new InvalidArgumentError("swim.incarnation", `must be < ${maxIncarnation}`, settings.incarnation);
  }
  for (const name of timingNames) {
    const value = settings[name];
    if (name in counts) continue;
    if (!(Number.isFinite(value) && (value > 0 || (value === 0 && mayBeZero.has(name))))) {
      throw new InvalidArgumentError(`swim.${name}`, `must be a number ${mayBeZero.has(name) ? ">=" : ">"} 0`, value);
    }
  }
  const { probeTimeoutMs, probeIntervalMs, suspicionMaxMult } = settings;
  if (probeTimeoutMs >= probeIntervalMs) {
    throw new InvalidArgumentError(
      "swim.probeTimeoutMs",
      `must be < probeIntervalMs (${probeIntervalMs})`,
      probeTimeoutMs,
    );
  }
  if (suspicionMaxMult < 1) throw new InvalidArgumentError("swim.suspicionMaxMult", "must be >= 1", suspicionMaxMult);
}

function checkName(option: string, name: string): void {
  if (typeof name !== "string" || name === "" || new TextEncoder().encode(name).length > maxNameBytes) {
    throw new InvalidArgumentError(option, `must be a string of 1 to ${maxNameBytes} bytes`, name);
  }
}

/** @throws InvalidArgumentError when `meta` is too long to travel */
export function checkMeta(settings: SwimSettings, meta: Uint8Array): void {
  if (meta.length > maxMetaBytes) {
    throw new InvalidArgumentError("swim.meta", `must have at most ${maxMetaBytes} bytes`, meta.length);
  }
  const { name, host, port, incarnation, sizeOf, maxPacketBytes } = settings;
  const bytes = sizeOf({ type: "alive", name, host, port, meta, incarnation });
  if (bytes > maxPacketBytes) {
    throw new InvalidArgumentError("swim.meta", `must fit in a packet of ${maxPacketBytes} bytes`, meta.length);
  }
}

export function aliveUpdate({ name, host, port, meta, incarnation }: Member): AliveUpdate {
  return { type: "alive", name, host, port, meta, incarnation };
}
