import { seconds, type Scene } from "./healing-health.ts";
import { canDecide, votersIn } from "./observed-cluster.ts";

/**
 * Why what looks like dead members may be a cut network; undefined when nothing speaks for it. A process that its
 * supervisor knows to be gone is no sign of a cut, however many go at once.
 */
export function suspectedPartition({ observation, settings }: Scene): string | undefined {
  if (settings.plant === "ignore-partition") return undefined;
  const voters = votersIn(observation);
  const silent = voters.filter(({ liveness, lost }) => liveness === "silent" && lost === null);
  if (silent.length > 0 && !canDecide(voters)) return "the leader does not hear a majority";
  const latest = silent.toSorted((a, b) => a.sinceMs - b.sinceMs);
  for (const [at, member] of latest.entries()) {
    const other = latest[at + 1];
    if (other === undefined || member.sinceMs >= settings.partitionHoldMs) return undefined;
    if (other.sinceMs - member.sinceMs > settings.togetherMs) continue;
    return `${member.name} and ${other.name} fell silent together, ${seconds(member.sinceMs)} ago`;
  }
  return undefined;
}
