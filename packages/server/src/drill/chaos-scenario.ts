import { chaosPlan, type ChaosOptions, type ChaosPlan, type DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./scenarios/cluster-scenario.ts";

/** The drill that is drawn anew each time. */
export const chaosName = "chaos";
export const chaosSummary: { readonly name: string; readonly summary: string } = {
  name: chaosName,
  summary: "kills, slow and cut networks, starved members and wrong clocks, by chance at given rates",
};

export interface ChaosDrill {
  readonly scenario: DrillScenario;
  readonly plan: ChaosPlan;
}

/** Chaos on a cluster: what it is going to do is settled before it begins. @throws InvalidArgumentError */
export function chaosScenario(
  options: Omit<ChaosOptions, "parts"> & {
    readonly nodes: number;
    readonly clients: number;
    /** Besides that no more members are down than may be struck. */
    readonly abortUnless?: readonly string[];
  },
): ChaosDrill {
  const { nodes, clients, abortUnless = [], ...chaos } = options;
  const parts = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
  const plan = chaosPlan({ ...chaos, parts });
  const scenario = clusterScenario({
    ...chaosSummary,
    nodes,
    load: { for: chaos.lengthMs, clients },
    faults: [],
    // More members down than were struck: whatever has brought them down, it is not for us to go on.
    abortUnless: [`alive >= ${nodes - (chaos.maxTargets ?? 1)}`, ...abortUnless],
  });
  return { scenario: { ...scenario, faults: plan.faults }, plan };
}
