import type { Member } from "holdfast/coordination";

/** How long a linearizable read may take before the member counts as unhealthy. */
const healthTimeoutMs = 1_000;

const healthKey = new TextEncoder().encode("health");

/** Whether this member knows a leader and a linearizable read through it works in time. */
export async function isHealthy(member: Member): Promise<boolean> {
  if (member.status().leader === 0n) return false;
  try {
    await member.range({ key: healthKey, countOnly: true }, { timeoutMs: healthTimeoutMs });
    return true;
  } catch {
    return false;
  }
}
