import { healCluster, healingFactOf, type HealingDecision, type HealingTimes } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import type { HealingFact } from "holdfast/telemetry";
import type { ClusterPlan } from "../supervisor/cluster-plan.ts";
import { formatDuration } from "../supervisor/cluster-view.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { LayoutKeeper } from "./layout-keeper.ts";
import { supervisedCluster, type SupervisedClusterOptions } from "./supervised-cluster.ts";

export interface HealUpOptions {
  readonly plan: ClusterPlan;
  readonly port: number;
  readonly supervisor: Supervisor;
  readonly keeper: LayoutKeeper;
  readonly ways?: SupervisedClusterOptions["ways"];
  /** Replacements an hour. */
  readonly limit: number;
  readonly tell: (text: string, grave: boolean) => void;
  readonly onFact?: (fact: HealingFact) => void;
}

/** Members on one machine are seen as soon as they go, and replaced sooner than a whole machine would be. */
const times: Partial<HealingTimes> = {
  restartAfterMs: 10_000,
  deadForMs: 30_000,
  confirmMs: 1_000,
  startForMs: 120_000,
  learnerPatienceMs: 120_000,
  togetherMs: 2_000,
  partitionHoldMs: 60_000,
  coolDownMs: 3_000,
};

/** Heals the cluster of `holdfast up` until closed, and says what it does and why. */
export function healUp(options: HealUpOptions): { close(): void } {
  const { keeper, limit, tell, onFact } = options;
  const ports = supervisedCluster(options);
  const healer = healCluster({
    ports,
    clock: nodeRuntime().clock,
    desired: { voters: keeper.layout.founders },
    replacementsPerHour: limit,
    ...times,
    onDecision: (decision) => {
      onFact?.(healingFactOf(decision));
      const said = sayDecision(decision);
      if (said !== undefined) tell(said.text, said.grave);
    },
  });
  return {
    close() {
      healer.close();
      ports.close();
    },
  };
}

/** In a line for people; undefined for what they need not know. */
function sayDecision(decision: HealingDecision): { readonly text: string; readonly grave: boolean } | undefined {
  const { text } = decision;
  switch (decision.type) {
    case "started":
      return { text: `healing: ${text}, as ${decision.because}`, grave: false };
    case "ended":
      if (decision.outcome === "done") return undefined;
      return { text: `healing: did not ${text}: ${decision.reason ?? decision.outcome}`, grave: true };
    case "withheld":
      // That lasts some seconds.
      if (decision.guard === "coolDown") return undefined;
      return { text: `healing: would ${text}, as ${decision.because}, but ${decision.reason}`, grave: true };
    case "personWanted":
      return { text: `healing: somebody has to look: ${text}`, grave: true };
    case "weakened":
      return undefined;
    default:
      return { text: `healing: at full strength again after ${formatDuration(decision.tookMs)}`, grave: false };
  }
}
