/** An orchestrator in a process of its own, which kills itself as soon as a number of decisions are recorded. */
import { remoteCoordination } from "holdfast/coordination";
import { createOrchestrator } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { countedExecutor, countedPlan } from "./counted-plan.ts";

const [endpoints = "", id = "", killAt = "0"] = process.argv.slice(2);
const coordination = remoteCoordination({ runtime: nodeRuntime(), endpoints: endpoints.split(",") });
let decisions = 0;
const orchestrator = createOrchestrator({
  coordination,
  executors: [countedExecutor(coordination)],
  ttlSeconds: 1,
  takesOver: false,
  // Recorded, and nothing done about it yet.
  onEvent: () => {
    if (++decisions === Number(killAt)) process.kill(process.pid, "SIGKILL");
  },
});
orchestrator.register(countedPlan);
await orchestrator.execute(countedPlan.id, { id });
await orchestrator.finished(id);
await orchestrator.close();
await coordination.close();
