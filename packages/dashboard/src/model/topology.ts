import type { ClusterView, MemberView } from "holdfast/telemetry";

/** The way between two members, as both tell of it. */
export interface PairLink {
  readonly a: string;
  readonly b: string;
  /** `oneWay`: only `deaf` does not hear the other. `unknown`: nobody tells. */
  readonly state: "up" | "suspect" | "cut" | "oneWay" | "unknown";
  readonly deaf: string | null;
}

const linksOf = new WeakMap<ClusterView, readonly PairLink[]>();
const groupsOf = new WeakMap<ClusterView, readonly (readonly string[])[]>();

/** Links of members whose process may live; those of the others lead nowhere. Found once for each view. */
export function pairLinks(cluster: ClusterView): readonly PairLink[] {
  const known = linksOf.get(cluster) ?? findLinks(cluster);
  linksOf.set(cluster, known);
  return known;
}

function findLinks({ members }: ClusterView): PairLink[] {
  const present = members.filter(({ liveness }) => liveness === "answers" || liveness === "silent");
  const said = new Map(
    present.map((member) => [
      member.name,
      new Map(member.links.map(({ to, state }) => [to, state === "unknown" ? undefined : state])),
    ]),
  );
  const links: PairLink[] = [];
  for (const [at, first] of present.entries()) {
    for (const second of present.slice(at + 1)) {
      const forth = said.get(first.name)?.get(second.name);
      const back = said.get(second.name)?.get(first.name);
      links.push({ a: first.name, b: second.name, ...together(first.name, second.name, forth, back) });
    }
  }
  return links;
}

type Said = Exclude<MemberView["links"][number]["state"], "unknown"> | undefined;

function together(a: string, b: string, forth: Said, back: Said): Pick<PairLink, "state" | "deaf"> {
  if (forth === undefined && back === undefined) return { state: "unknown", deaf: null };
  if (forth === "down" && (back === "down" || back === undefined)) return { state: "cut", deaf: null };
  if (back === "down" && forth === undefined) return { state: "cut", deaf: null };
  if (forth === "down") return { state: "oneWay", deaf: a };
  if (back === "down") return { state: "oneWay", deaf: b };
  return { state: forth === "suspect" || back === "suspect" ? "suspect" : "up", deaf: null };
}

/** Who can still talk to whom, the largest group first; one group when nothing is cut. Found once for each view. */
export function linkGroups(cluster: ClusterView): readonly (readonly string[])[] {
  const known = groupsOf.get(cluster) ?? findGroups(cluster, pairLinks(cluster));
  groupsOf.set(cluster, known);
  return known;
}

function findGroups(cluster: ClusterView, links: readonly PairLink[]): string[][] {
  const groupOf = new Map<string, string[]>();
  for (const { name, liveness } of cluster.members) {
    if (liveness === "answers" || liveness === "silent") groupOf.set(name, [name]);
  }
  if (!links.some(({ state }) => state === "cut")) return [Array.from(groupOf.keys())];
  for (const { a, b, state } of links) {
    const [one, other] = [groupOf.get(a), groupOf.get(b)];
    if (state === "cut" || state === "unknown" || one === undefined || other === undefined || one === other) continue;
    one.push(...other);
    for (const name of other) groupOf.set(name, one);
  }
  return Array.from(new Set(groupOf.values())).sort((a, b) => b.length - a.length);
}

/** A place in the picture. */
export interface Spot {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** Members on a circle in the order of their names, the first on top. */
export function onCircle(names: readonly string[], centre: number, radius: number): Spot[] {
  return names.map((name, at) => {
    const angle = (at / names.length) * 2 * Math.PI - Math.PI / 2;
    return { name, x: centre + radius * Math.cos(angle), y: centre + radius * Math.sin(angle) };
  });
}
