import type { Member } from "holdfast/coordination";

/** How one check came out. */
export interface CheckOutcome {
  readonly name: string;
  /** Undefined where all is well. */
  readonly failure: string | undefined;
  /** All is well, but wants somebody's attention. */
  readonly warning?: string | undefined;
}

/** By name: what wants attention now, and keeps nobody away. */
export type Warnings = Readonly<Record<string, () => string | undefined>>;

/** Says what is wrong, by return or throw. */
type Check = (member: Member) => string | undefined | Promise<string | undefined>;

/** How long a read may take before it counts as failed. */
const readTimeoutMs = 1_000;

const key = new TextEncoder().encode("health");

/** As etcd 3.5 and later name them, where it has the check. */
export type CheckName =
  | "disk"
  | "serializable_read"
  | "leader"
  | "non_learner"
  | "data_corruption"
  | "linearizable_read";

const checks: Readonly<Record<CheckName, Check>> = {
  disk: (member) => (member.status().isDiskStalled === true ? "a write hangs" : undefined),
  serializable_read: (member) => read(member, true),
  leader: (member) => (member.status().leader === 0n ? "no leader is known" : undefined),
  non_learner: (member) => (member.status().isLearner ? "a learner answers no clients" : undefined),
  data_corruption: (member) =>
    member.status().alarms.some(({ type }) => type === "CORRUPT") ? "the alarm CORRUPT is raised" : undefined,
  linearizable_read: (member) => (member.status().leader === 0n ? "no leader is known" : read(member, false)),
};

/** What a restart may help against. */
export const liveChecks: readonly CheckName[] = ["disk", "serializable_read"];

/** What clients need. That there is no room left is no reason to keep readers away. */
export const readyChecks: readonly CheckName[] = [
  "leader",
  "non_learner",
  "data_corruption",
  "serializable_read",
  "linearizable_read",
];

/** All at once: they take no longer than the slowest. */
export function runChecks(member: Member, names: readonly CheckName[]): Promise<readonly CheckOutcome[]> {
  return Promise.all(
    names.map(async (name) => {
      try {
        return { name, failure: await checks[name](member) };
      } catch (error) {
        return { name, failure: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

async function read(member: Member, serializable: boolean): Promise<undefined> {
  // A witness votes, and has nothing to read.
  if (member.status().isWitness === true) return;
  await member.range({ key, countOnly: true, serializable }, { timeoutMs: readTimeoutMs });
}
