import type { ClusterView } from "holdfast/telemetry";
import { linkGroups } from "./topology.ts";

/** How the cluster fares, in one word and the reasons for it, the worst first. */
export interface ClusterVerdict {
  readonly tone: "good" | "warn" | "bad";
  readonly word: "Healthy" | "Degraded" | "No leader" | "No quorum";
  readonly problems: readonly string[];
}

const maxNamed = 6;
const minLagShown = 1_000;

export function clusterVerdict(cluster: ClusterView): ClusterVerdict {
  const { quorum, leader, members, servedBy } = cluster;
  const isShort = quorum.answering < quorum.needed;
  const named = (which: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${which}: ${list(names)}`];
  const of = (liveness: string): string[] =>
    members.filter((each) => each.liveness === liveness).map(({ name }) => name);
  const groups = linkGroups(cluster);
  const voters = new Set(members.filter(({ isLearner }) => !isLearner).map(({ name }) => name));
  const together = Math.max(0, ...groups.map((names) => names.filter((name) => voters.has(name)).length));
  // All may answer the page, and not each other.
  const isScattered = !isShort && leader === null && together < quorum.needed;
  const hasQuorum = !isShort && !isScattered;
  const minority = groups.slice(1).find((names) => names.includes(servedBy));
  const lagging = members.filter(({ lagEntries }) => (lagEntries ?? 0) >= minLagShown).map(({ name }) => name);
  const problems = [
    ...(isShort
      ? [
          `${quorum.answering} of ${quorum.voters} voters answer and ${quorum.needed} are needed: nothing can be decided`,
        ]
      : []),
    ...(isScattered
      ? [`no ${quorum.needed} of the ${quorum.voters} voters hear each other: nothing can be decided`]
      : []),
    ...(isShort && isMember(cluster) ? [`seen from ${servedBy}: whom it does not reach may go on without it`] : []),
    ...(minority === undefined ? [] : [`seen from the minority: ${servedBy}, which serves this page, is cut off`]),
    ...(leader === null && hasQuorum ? ["nobody leads: an election goes on"] : []),
    ...named("stopped", of("stopped")),
    ...named("silent", of("silent")),
    ...(groups.length > 1 ? [`cut: ${groups.map((names) => list(names)).join(" | ")}`] : []),
    ...named("lagging", lagging),
  ];
  if (!hasQuorum) return { tone: "bad", word: "No quorum", problems };
  if (leader === null) return { tone: "bad", word: "No leader", problems };
  return problems.length === 0
    ? { tone: "good", word: "Healthy", problems }
    : { tone: "warn", word: "Degraded", problems };
}

/** Whether a member serves the page, rather than whoever runs them all. */
export function isMember({ members, servedBy }: ClusterView): boolean {
  return members.some(({ name }) => name === servedBy);
}

function list(names: readonly string[]): string {
  const more = names.length - maxNamed;
  return names.slice(0, maxNamed).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
