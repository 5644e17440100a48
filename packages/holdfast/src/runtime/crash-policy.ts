import type { Random } from "./runtime.ts";

/**
 * What a crash of the machine leaves of what was not synced: nothing; all of it; all up to a point, where the last
 * write may be torn between two sectors; or any of the sectors (of the directory's changes: any of them).
 */
export type CrashPolicy = "none" | "all" | "prefix" | "subset";

const crashPolicies: readonly CrashPolicy[] = ["none", "all", "prefix", "subset"];

/** What a disk writes as a whole or not at all. */
export const sectorBytes = 512;

export function drawCrashPolicy(random: Random): CrashPolicy {
  return crashPolicies[random.integer(0, crashPolicies.length - 1)] as CrashPolicy;
}
