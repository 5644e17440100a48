import type { Member } from "holdfast/coordination";

/** How long a linearizable read may take before the member counts as unhealthy. */
const healthTimeoutMs = 1_000;

const healthKey = new TextEncoder().encode("health");

/** Whether this member knows a leader and a linearizable read through it works in time, and no alarm is raised. */
export async function isHealthy(member: Member): Promise<boolean> {
  const { leader, alarms, isWitness } = member.status();
  if (leader === 0n || alarms.length > 0) return false;
  // It votes, and answers no reads.
  if (isWitness === true) return true;
  try {
    await member.range({ key: healthKey, countOnly: true }, { timeoutMs: healthTimeoutMs });
    return true;
  } catch {
    return false;
  }
}
