/** DBOS' durable workflows, recorded in PostgreSQL. */
import { DBOS } from "@dbos-inc/dbos-sdk";
import { serveRequests, stepsPerPlan } from "./plans-workload.ts";

const [url = ""] = process.argv.slice(2);
DBOS.setConfig({ name: "plans", systemDatabaseUrl: url, logLevel: "error", runAdminServer: false });
const plan = DBOS.registerWorkflow(
  async () => {
    for (let step = 0; step < stepsPerPlan; step++) {
      await DBOS.runStep(() => Promise.resolve(null), { name: `s${step}` });
    }
  },
  { name: "plan" },
);
await DBOS.launch();
await serveRequests(
  async (workflowID) => {
    const handle = await DBOS.startWorkflow(plan, { workflowID })();
    await handle.getResult();
  },
  () => DBOS.shutdown(),
);
