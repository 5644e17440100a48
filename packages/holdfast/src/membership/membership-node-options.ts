import { InvalidArgumentError } from "../errors/base.ts";
import type { Address } from "../runtime/index.ts";
import { maxHostBytes } from "./codec-field.ts";
import { maxMetaBytes, maxNameBytes } from "./member.ts";
import type { MembershipOptions } from "./membership-node.ts";
import { swimProfiles, type SwimTiming } from "./swim-options.ts";

/** What holds for options that are not given. */
export const defaultMembershipOptions: Required<
  Pick<MembershipOptions, "port" | "seeds" | "label" | "profile" | "maxClockSkewMs" | "packetBytes" | "maxStreamBytes">
> = {
  port: 0,
  seeds: [],
  label: "",
  profile: "lan",
  maxClockSkewMs: 300_000,
  packetBytes: 1_400,
  maxStreamBytes: 4 * 1024 * 1024,
};

/** Options with nothing left open. */
export interface MembershipSettings extends Required<Omit<MembershipOptions, "keyring" | "onEvent" | "timing">> {
  readonly keyring: MembershipOptions["keyring"];
  readonly onEvent: MembershipOptions["onEvent"];
  readonly timing: SwimTiming;
}

const maxLabelBytes = 64;
const maxSeeds = 64;
const names: Readonly<Record<keyof MembershipOptions, true>> = {
  runtime: true,
  name: true,
  host: true,
  port: true,
  listenHost: true,
  seeds: true,
  meta: true,
  keyring: true,
  label: true,
  profile: true,
  timing: true,
  maxClockSkewMs: true,
  packetBytes: true,
  maxStreamBytes: true,
  onEvent: true,
};

/** @throws InvalidArgumentError naming the option, the rule and the value */
export function checkMembershipOptions(options: MembershipOptions): MembershipSettings {
  checkNames("membership", options, names);
  const settings = { ...defaultMembershipOptions, listenHost: options.host, ...options };
  const { keyring, onEvent, meta = new Uint8Array(0) } = options;
  checkText("name", settings.name, 1, maxNameBytes);
  checkText("host", settings.host, 1, maxHostBytes);
  checkText("listenHost", settings.listenHost, 1, maxHostBytes);
  checkText("label", settings.label, 0, maxLabelBytes);
  checkInteger("port", settings.port, 0, 65_535);
  checkInteger("packetBytes", settings.packetBytes, 512, 8_192);
  checkInteger("maxStreamBytes", settings.maxStreamBytes, 65_536, 2 ** 30);
  if (!(settings.maxClockSkewMs > 0)) fail("maxClockSkewMs", "must be a number > 0", settings.maxClockSkewMs);
  checkMeta("membership.meta", meta);
  if (onEvent !== undefined && typeof onEvent !== "function") fail("onEvent", "must be a function", onEvent);
  if (!Object.hasOwn(swimProfiles, settings.profile)) {
    fail("profile", `must be ${Object.keys(swimProfiles).join(", ")}`, settings.profile);
  }
  checkAddresses("membership.seeds", settings.seeds);
  const profile = swimProfiles[settings.profile];
  const timing = options.timing ?? {};
  checkNames("membership.timing", timing, profile);
  return { ...settings, meta, keyring, onEvent, timing: { ...profile, ...timing } };
}

/** @throws InvalidArgumentError when it cannot travel with every word about the member */
function checkMeta(name: string, meta: Uint8Array): void {
  if (!(meta instanceof Uint8Array)) throw new InvalidArgumentError(name, "must be bytes", meta);
  if (meta.length <= maxMetaBytes) return;
  throw new InvalidArgumentError(`${name} length`, `must be at most ${maxMetaBytes} bytes`, meta.length);
}

/** @throws InvalidArgumentError when one of them cannot be reached */
export function checkAddresses(name: string, addresses: readonly Address[]): void {
  if (!Array.isArray(addresses)) throw new InvalidArgumentError(name, "must be an array", addresses);
  if (addresses.length > maxSeeds) {
    throw new InvalidArgumentError(`${name} length`, `must be at most ${maxSeeds}`, addresses.length);
  }
  for (const [at, address] of (addresses as readonly Partial<Address>[]).entries()) {
    const { host, port } = address ?? {};
    if (typeof host !== "string" || host === "")
      throw new InvalidArgumentError(`${name}[${at}].host`, "must be a host", host);
    if (!Number.isInteger(port) || port! < 1 || port! > 65_535) {
      throw new InvalidArgumentError(`${name}[${at}].port`, "must be an integer from 1 to 65535", port);
    }
  }
}

function checkNames(prefix: string, options: object, known: object): void {
  if (typeof options !== "object" || options === null)
    throw new InvalidArgumentError(prefix, "must be an object", options);
  for (const [name, value] of Object.entries(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new InvalidArgumentError(
      `${prefix}.${name}`,
      `is no option; there are ${Object.keys(known).join(", ")}`,
      value,
    );
  }
}

function checkText(name: string, value: string, minBytes: number, maxBytes: number): void {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value).length : -1;
  if (bytes < minBytes || bytes > maxBytes) fail(name, `must be ${minBytes} to ${maxBytes} bytes of UTF-8`, value);
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    fail(name, `must be an integer from ${min} to ${max}`, value);
  }
}

function fail(name: string, rule: string, value: unknown): never {
  throw new InvalidArgumentError(`membership.${name}`, rule, value);
}
