import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

/** The kernel keeps what a killed process has written: only a write that had not begun is lost. A slow disk has many. */
export const crashUnsynced: DrillScenario = clusterScenario({
  name: "crash-unsynced",
  summary: "kill -9 all members while each of their writes takes 200 ms; what was acknowledged had been written",
  faults: [
    { kind: "slowDisk", target: "all", extraMs: 200, after: "1s", for: "3s" },
    { kind: "kill", target: "all", after: "2500ms" },
  ],
});
