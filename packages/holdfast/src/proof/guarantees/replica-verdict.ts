/** What one replica holds of an item. */
export interface ReplicaItem {
  readonly value: unknown;
  /** Which version this is: higher is newer. Without, two different values are a divergence. */
  readonly version?: number;
}

/** What a replica said: an item, that it has none, or why it could not be asked. */
export type ReplicaAnswer =
  | { readonly kind: "item"; readonly item: ReplicaItem }
  | { readonly kind: "absent" }
  | { readonly kind: "unavailable"; readonly error: unknown };

/**
 * How the replicas of an item stand. Of several the worst, which is the first here: `diverged`, different values of the
 * same version, or of none; `partially-absent`; `stale`, different versions; `unavailable`, what could be asked agrees and
 * something could not; `absent-everywhere`; `consistent`.
 */
export type ReplicaVerdict =
  | "diverged"
  | "partially-absent"
  | "stale"
  | "unavailable"
  | "absent-everywhere"
  | "consistent";

export type ReplicaEquality = (one: unknown, two: unknown) => boolean;

/** Judges one item by what all its replicas said at one time. */
export function judgeReplicas(answers: readonly ReplicaAnswer[], equal: ReplicaEquality): ReplicaVerdict {
  const items = answers.flatMap((answer) => (answer.kind === "item" ? [answer.item] : []));
  const absent = answers.some(({ kind }) => kind === "absent");
  const unavailable = answers.some(({ kind }) => kind === "unavailable");
  const numbered = items.every(({ version }) => version !== undefined);
  if (!valuesFollowVersions(items, numbered, equal)) return "diverged";
  if (items.length > 0 && absent) return "partially-absent";
  if (numbered && items.some(({ version }) => version !== items[0]?.version)) return "stale";
  if (unavailable) return "unavailable";
  return items.length === 0 ? "absent-everywhere" : "consistent";
}

/** Whether items of one version have one value; where one has no version, all must. */
function valuesFollowVersions(items: readonly ReplicaItem[], numbered: boolean, equal: ReplicaEquality): boolean {
  const firsts = new Map<number | undefined, ReplicaItem>();
  for (const item of items) {
    const version = numbered ? item.version : undefined;
    const first = firsts.get(version);
    if (first === undefined) firsts.set(version, item);
    else if (!equal(first.value, item.value)) return false;
  }
  return true;
}

/** How many versions each replica is behind the newest; 0 for those that hold it, undefined where nobody can say. */
export function versionLag(answers: readonly ReplicaAnswer[]): (number | undefined)[] {
  const versions = answers.map((answer) => (answer.kind === "item" ? answer.item.version : undefined));
  const newest = Math.max(...versions.filter((version) => version !== undefined));
  return versions.map((version) => (version === undefined ? undefined : newest - version));
}

/** Equal as JSON, whatever the order of the fields. */
export function sameJson(one: unknown, two: unknown): boolean {
  if (one === two) return true;
  if (typeof one !== "object" || typeof two !== "object" || one === null || two === null) return false;
  if (Array.isArray(one) !== Array.isArray(two)) return false;
  const [left, right] = [Object.entries(one), Object.entries(two)];
  if (left.length !== right.length) return false;
  return left.every(
    ([name, value]) => Object.hasOwn(two, name) && sameJson(value, (two as Record<string, unknown>)[name]),
  );
}
