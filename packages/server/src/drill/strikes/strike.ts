import type { DrillFaultPlan, StageContext, StageFaultRecord } from "holdfast/proof";
import type { ClientTls } from "../../client/connections.ts";
import type { ClusterPlan } from "../../supervisor/cluster-plan.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import type { Leadership } from "../cluster-watch.ts";
import type { DrilledMember } from "../drilled-member.ts";
import type { PeerLinks } from "../peer-links.ts";
import type { PlanOutcome } from "../plan/plan-outcome.ts";

/** The cluster as whoever strikes it sees it. */
export interface StrikeSite {
  readonly plan: ClusterPlan;
  readonly supervisor: Supervisor;
  readonly endpoints: readonly string[];
  readonly tls: ClientTls | undefined;
  /** A member's present life. @throws Error when the drill has no kind of fault that needs it */
  drilled(name: string): DrilledMember;
  /** @throws Error when the drill has no kind of fault that needs it */
  readonly links: PeerLinks;
  /** Members whose death is no surprise. */
  readonly condemned: Set<string>;
  /** Resolves when a write was acknowledged from now on. */
  untilServing(signal: AbortSignal): Promise<void>;
  readonly seed: number;
  /** Done when the drill is torn down, however it ended. */
  atEnd(work: () => Promise<void>): void;
  /** How many plans have ended so far. */
  plansRun(): number;
  tellPlan(outcome: PlanOutcome): void;
}

/** What a kind of fault is about to do. */
export interface StrikeOrder {
  readonly plan: DrillFaultPlan;
  readonly leader: Leadership;
  readonly targets: readonly string[];
}

/** A fault of the cluster on its way. */
export interface Strike {
  readonly what: string;
  /** Only another leader can serve until it is over. */
  readonly mustElect: boolean;
  /** Whether the rest can serve while it lasts. */
  readonly canServe: boolean;
  /** Resolves when what it interrupted has come to its end all the same. Called more than once. */
  untilOver?(context: StageContext): Promise<void>;
  heal(context: StageContext): Promise<void>;
  records(): readonly StageFaultRecord[];
}

/** One kind of fault: checked before the drill begins, and then begun when its time has come. */
export interface StrikeKind {
  /** What members must be started with for it. */
  readonly needs: "nothing" | "orders" | "links";
  /** What it can be aimed at, where that is no members. */
  readonly targets?: readonly string[];
  /** @throws InvalidArgumentError naming what is wrong below `path` */
  check(parameters: DrillFaultPlan["parameters"], path: string): void;
  begin(site: StrikeSite, order: StrikeOrder, context: StageContext): Promise<Strike>;
}

/** The names of a plan's members. */
export function memberNames({ plan }: Pick<StrikeSite, "plan">): readonly string[] {
  return plan.members.map(({ name }) => name);
}

export function isMajority(count: number, members: number): boolean {
  return count > members / 2;
}

/** Whether the rest can go on without the targets, and needs another leader for it. */
export function withoutThem(
  site: StrikeSite,
  { targets, leader }: StrikeOrder,
): Pick<Strike, "mustElect" | "canServe"> {
  const all = memberNames(site).length;
  return { mustElect: targets.includes(leader.name), canServe: isMajority(all - targets.length, all) };
}

/** `n1, leader of term 3`, `n2 and n3`. */
export function describeTargets({ targets, leader }: StrikeOrder, members: number): string {
  if (targets.length === members && members > 1) return `all ${members} members`;
  const names = targets.join(" and ");
  return targets.includes(leader.name) && targets.length === 1 ? `${names}, leader of term ${leader.term}` : names;
}
