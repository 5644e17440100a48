/** Where a member of a cluster on one machine lives, and whether it ever has. */
export interface PlacedMember {
  readonly name: string;
  /** Where its ports for the other members are: so many steps above the first one's. */
  readonly slot: number;
  /** Where its ports for clients and people are: it may have taken those of the one that it replaced. */
  readonly clientSlot: number;
  /** It has been ready once: without its data it must not come back under its name. */
  readonly hasRun: boolean;
}

/** What a cluster's data directory says of its members, which may be others than those that it began with. */
export interface ClusterLayout {
  readonly clusterName: string;
  /** So many the cluster began with, in the first slots. */
  readonly founders: number;
  readonly members: readonly PlacedMember[];
  /** The number of the next member's name: no name is used twice. */
  readonly next: number;
  /** The last of those that it began with is a witness. */
  readonly hasWitness?: boolean;
}

export function firstLayout(clusterName: string, nodes: number): ClusterLayout {
  const members = Array.from({ length: nodes }, (_, at) => ({
    name: `n${at + 1}`,
    slot: at,
    clientSlot: at,
    hasRun: false,
  }));
  return { clusterName, founders: nodes, members, next: nodes + 1 };
}

/** A new member's place: no other has its ports for members, and none has had its name. */
export function nextMember(layout: ClusterLayout, clientSlot?: number): PlacedMember {
  const taken = new Set(layout.members.flatMap((member) => [member.slot, member.clientSlot]));
  let slot = layout.founders;
  while (taken.has(slot)) slot++;
  return { name: `n${layout.next}`, slot, clientSlot: clientSlot ?? slot, hasRun: false };
}

export function layoutText({ clusterName, founders, members, next, hasWitness }: ClusterLayout): string {
  const names = members.map(({ name }) => name);
  const placed = Object.fromEntries(members.map(({ name, ...place }) => [name, place]));
  const kind = hasWitness === true ? { hasWitness } : {};
  return `${JSON.stringify({ clusterName, members: names, founders, next, ...kind, placed })}\n`;
}

/** Undefined when the text says something else. */
export function readLayout(text: string): ClusterLayout | undefined {
  try {
    const { clusterName, members, founders, next, hasWitness, placed } = JSON.parse(text) as Partial<
      Record<string, unknown>
    >;
    if (!Array.isArray(members)) return undefined;
    const names = members.map(String);
    const first = firstLayout(String(clusterName), names.length);
    // One that says no more has only ever had its first members.
    if (placed === undefined)
      return { ...first, members: first.members.map((member, at) => ({ ...member, name: names[at]! })) };
    const places = placed as Record<string, Omit<PlacedMember, "name">>;
    return {
      clusterName: String(clusterName),
      founders: Number(founders),
      next: Number(next),
      ...(hasWitness === true ? { hasWitness } : {}),
      members: names.map((name) => ({ name, ...places[name]! })),
    };
  } catch {
    return undefined;
  }
}
