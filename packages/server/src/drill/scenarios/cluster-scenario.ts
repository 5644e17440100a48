import { checkScenario, type DrillScenario } from "holdfast/proof";

/** What every drill on a cluster must find, before its faults and after them. */
const steadyState = ["down == 0", "leaders == 1", "writeMs < 2000"] as const;
/** What must be true whatever happened. */
const invariants = ["lostWrites == 0", "linearizable", "divergedKeys == 0"] as const;

/** A built-in drill, as a file would say it, with what all of them have in common. @throws InvalidArgumentError */
export function clusterScenario(description: {
  readonly name: string;
  readonly summary: string;
  readonly nodes?: number;
  readonly load?: object;
  readonly faults: readonly object[];
  readonly abortUnless?: readonly string[];
  readonly invariants?: readonly string[];
  readonly expect?: readonly string[];
  readonly timeouts?: object;
}): DrillScenario {
  const { nodes = 3, ...scenario } = description;
  return checkScenario({ steadyState, invariants, ...scenario, stage: { kind: "cluster", nodes } });
}
