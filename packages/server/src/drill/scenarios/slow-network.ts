import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const slowNetwork: DrillScenario = clusterScenario({
  name: "slow-network",
  summary: "all that members say to each other takes 20 to 60 ms longer, and a twentieth of it is sent twice",
  load: { for: "6s" },
  faults: [
    { kind: "delay", target: "all", delayMs: 20, jitterMs: 20, after: "1500ms", for: "3s" },
    { kind: "loss", target: "all", share: 0.05, after: "2s", for: "2s" },
  ],
  expect: ["answeredRatio > 0.95", "longestSilenceMs < 5000"],
});
