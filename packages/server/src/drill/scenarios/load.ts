import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

/** The rate is what any machine manages; it is for noticing what has become much slower, not for measuring the best. */
export const load: DrillScenario = clusterScenario({
  name: "load",
  summary: "200 writes a second, whoever waits; almost all are answered soon",
  load: { for: "6s", clients: 0, rate: 200 },
  faults: [],
  invariants: ["divergedKeys == 0"],
  expect: ["errorRatio < 0.01", "p99Ms < 1000"],
});
