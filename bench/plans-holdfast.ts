/** One member of an embedded cluster of three; the first executes plans in its own process. */
import { createMember } from "holdfast/coordination";
import { createOrchestrator, customExecutor, type Plan } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { serveRequests, stepsPerPlan } from "./plans-workload.ts";

const [at = "0", directory = "", ...ports] = process.argv.slice(2);
const members = ports.map((port, index) => ({
  name: `m${index}`,
  peer: { host: "127.0.0.1", port: Number(port) },
}));
const { name, peer } = members[Number(at)]!;
const member = await createMember({
  runtime: nodeRuntime(),
  name,
  peer,
  cluster: { name: "plans", members },
  directory,
  clientUrls: [],
  httpUrls: [],
});

if (at !== "0") {
  await serveRequests(
    () => Promise.reject(new Error("only the first member executes")),
    () => member.close(),
  );
} else {
  const plan: Plan = {
    id: "plan",
    steps: Array.from({ length: stepsPerPlan }, (_, step) => ({
      id: `s${step}`,
      type: "nothing",
      ...(step === 0 ? {} : { dependsOn: [`s${step - 1}`] }),
    })),
  };
  const orchestrator = createOrchestrator({
    coordination: member,
    executors: [customExecutor("nothing", () => null, { changes: false })],
  });
  orchestrator.register(plan);
  await serveRequests(
    async (id) => {
      await orchestrator.execute(plan.id, { id });
      const { status } = await orchestrator.finished(id);
      if (status !== "completed") throw new Error(`${id}: ${status}`);
    },
    async () => {
      await orchestrator.close();
      await member.close();
    },
  );
}
