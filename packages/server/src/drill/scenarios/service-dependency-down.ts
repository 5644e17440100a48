import { checkScenario, type DrillScenario } from "holdfast/proof";

/** What `dependency-down` is where `--service` names somebody's own: what nobody outside can see is not asked for. */
export const serviceDependencyDown: DrillScenario = checkScenario({
  name: "dependency-down",
  summary:
    "what a service of your own depends on goes down, then hangs; its callers are answered all the time, and soon",
  stage: { kind: "service" },
  load: { for: "11s", clients: 0, rate: 50 },
  faults: [
    { id: "down", kind: "down", target: "dependency", after: "2s", for: "2s" },
    { id: "hangs", kind: "partition", target: "dependency", after: "6500ms", for: "2s" },
  ],
  steadyState: ["serves", "callMs < 2000", "reached", "dependencyServes"],
  expect: ["answeredRatio >= 0.99", "faultP99Ms < 1000", "recoveredMs < 5000", "errorsAfter == 0"],
});
