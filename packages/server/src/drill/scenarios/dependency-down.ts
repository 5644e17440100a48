import { checkScenario, type DrillScenario } from "holdfast/proof";

export const dependencyDown: DrillScenario = checkScenario({
  name: "dependency-down",
  summary: "what a service depends on goes down, then hangs; its callers are answered all the time, and soon",
  stage: { kind: "dependency" },
  load: { for: "9s", clients: 8 },
  faults: [
    { id: "down", kind: "down", target: "dependency", after: "1500ms", for: "2s" },
    { id: "hangs", kind: "partition", target: "dependency", after: "5500ms", for: "2s" },
  ],
  steadyState: ["serves", "callMs < 500"],
  invariants: ["answeredRatio == 1"],
  expect: ["slowestCallMs < 1500", "breakerRejected > 0", "fromFallback > 0", "recoveredMs < 3000"],
});
