/**
 * What a system promises, weak to strong. `repeatable-read` is Adya's PL-2.99, which forbids every cycle through items;
 * what PostgreSQL calls so is `snapshot-isolation`. `strong-session-` adds the order within each process, `strong-` and
 * `strict-` the order in real time.
 */
export type IsolationLevel =
  | "read-uncommitted"
  | "read-committed"
  | "snapshot-isolation"
  | "repeatable-read"
  | "serializable"
  | "strong-session-snapshot-isolation"
  | "strong-session-serializable"
  | "strong-snapshot-isolation"
  | "strict-serializable";

type Cycle = "G0" | "G1c" | "G-single" | "G-nonadjacent" | "G2-item";

/** What cannot happen at some level; a suffix names the order without which there would be no cycle. */
export type AnomalyName =
  | Cycle
  | `${Cycle}-process`
  | `${Cycle}-realtime`
  | "G1a"
  | "G1b"
  | "lost-update"
  | "dirty-update"
  | "duplicate-elements"
  | "incompatible-order"
  | "garbage-read"
  | "internal"
  | "non-repeatable-read"
  | "cyclic-versions"
  | "cyclic-versions-realtime";

/** The levels that each level contains: what breaks one of them breaks it, too. */
const contains: Readonly<Record<IsolationLevel, readonly IsolationLevel[]>> = {
  "read-uncommitted": [],
  "read-committed": ["read-uncommitted"],
  "snapshot-isolation": ["read-committed"],
  "repeatable-read": ["read-committed"],
  serializable: ["snapshot-isolation", "repeatable-read"],
  "strong-session-snapshot-isolation": ["snapshot-isolation"],
  "strong-session-serializable": ["serializable", "strong-session-snapshot-isolation"],
  "strong-snapshot-isolation": ["strong-session-snapshot-isolation"],
  "strict-serializable": ["strong-session-serializable", "strong-snapshot-isolation"],
};

export const isolationLevels: readonly IsolationLevel[] = Object.keys(contains) as IsolationLevel[];

interface Kind {
  /** For people. */
  readonly title: string;
  /** The weakest levels that forbid it. */
  readonly breaks: readonly IsolationLevel[];
}

const [everything, committed, snapshots] = [
  ["read-uncommitted"],
  ["read-committed"],
  ["snapshot-isolation", "repeatable-read"],
] as const satisfies readonly (readonly IsolationLevel[])[];

/** Adya, "Weak consistency" (1999), and Kingsbury and Alvaro, "Elle" (2020), where the names come from. */
const kinds: Readonly<Record<Exclude<AnomalyName, `${Cycle}-${"process" | "realtime"}`>, Kind>> = {
  G0: { title: "dirty write", breaks: everything },
  G1a: { title: "aborted read", breaks: committed },
  G1b: { title: "intermediate read", breaks: committed },
  G1c: { title: "circular information flow", breaks: committed },
  "G-single": { title: "read skew", breaks: snapshots },
  "G-nonadjacent": { title: "cycle of read skews", breaks: snapshots },
  "G2-item": { title: "write skew", breaks: ["repeatable-read"] },
  "lost-update": { title: "lost update", breaks: snapshots },
  "dirty-update": { title: "dirty update", breaks: committed },
  "duplicate-elements": { title: "duplicate elements", breaks: everything },
  "incompatible-order": { title: "incompatible order", breaks: committed },
  "garbage-read": { title: "garbage read", breaks: everything },
  internal: { title: "internal inconsistency", breaks: everything },
  "non-repeatable-read": { title: "non-repeatable read", breaks: snapshots },
  "cyclic-versions": { title: "cyclic versions", breaks: everything },
  "cyclic-versions-realtime": { title: "cyclic versions", breaks: ["strong-snapshot-isolation"] },
};

const withOrder: Readonly<Record<"process" | "realtime", readonly [snapshot: IsolationLevel, item: IsolationLevel]>> = {
  process: ["strong-session-snapshot-isolation", "strong-session-serializable"],
  realtime: ["strong-snapshot-isolation", "strict-serializable"],
};

/** What an anomaly is called outside of the literature, and the weakest levels that forbid it. */
export function anomalyKind(name: AnomalyName): Kind {
  const [, cycle, order] = /^(G.*)-(process|realtime)$/.exec(name) ?? [];
  if (cycle === undefined) return kinds[name as keyof typeof kinds];
  const [snapshot, item] = withOrder[order as "process" | "realtime"];
  const title = `${kinds[cycle as Cycle].title} against the order ${order === "process" ? "of a process" : "in real time"}`;
  return { title, breaks: [cycle === "G2-item" ? item : snapshot] };
}

/** Every level that one of the anomalies breaks, weak to strong. */
export function fallenLevels(names: Iterable<AnomalyName>): IsolationLevel[] {
  const broken = new Set<IsolationLevel>();
  for (const name of names) for (const level of anomalyKind(name).breaks) broken.add(level);
  const falls = (level: IsolationLevel): boolean => broken.has(level) || contains[level].some(falls);
  return isolationLevels.filter(falls);
}
