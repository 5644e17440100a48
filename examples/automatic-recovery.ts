/**
 * A database fails and takes two services with it: features go, only the database is restarted, the symptoms pass, the
 * features return. A disk that nothing helps is left to a person, with the whole record.
 */
import { createAutomaticRecovery, createDegradationManager } from "holdfast/recovery";
import { VirtualClock } from "holdfast/testing";

// Virtual time: every run of this program prints the same.
const clock = new VirtualClock();
const restarts: string[] = [];
const calls: string[] = [];
let featureChanges = 0;

const degradation = createDegradationManager({
  services: {
    database: {},
    orders: { dependsOn: ["database"], features: [{ name: "order history", priority: 4 }] },
    shop: {
      dependsOn: [{ service: "orders", optional: true }],
      features: [
        { name: "recommendations", priority: 1 },
        { name: "checkout", priority: 9 },
      ],
    },
  },
  holdMs: 5_000,
  clock,
  onEvent: (event) => {
    if (event.type !== "featureShed" && event.type !== "featureRestored") return;
    featureChanges++;
    console.log(`  ${event.feature} ${event.type === "featureShed" ? "off" : "on again"}`);
  },
});

const recovery = createAutomaticRecovery({
  strategies: [{ name: "restart", handles: ["down", "diskBroken"], run: ({ task }) => restart(task.target) }],
  dependsOn: { orders: ["database"], shop: ["orders"] },
  verifyMs: 1_000,
  clock,
  // Without chance in its waits, every run prints the same.
  random: { next: () => 0.5 },
  onPersonWanted: ({ target, tasks }) => {
    calls.push(target);
    console.log(`somebody must look after ${target}:`);
    for (const { decision, because } of tasks.flatMap(({ record }) => record)) console.log(`  ${decision}: ${because}`);
  },
});

async function restart(target: string): Promise<void> {
  restarts.push(target);
  await clock.sleep(2_000);
  if (target === "disk-7") throw new Error("input/output error");
}

console.log("the database is gone:");
degradation.service("database").markDown("connection refused");
await recovery.report({ type: "down", target: "database", priority: "critical" });
for (const target of ["orders", "shop"]) await recovery.report({ type: "down", target, priority: "high" });
console.log(`  checkout is ${degradation.allows("checkout") ? "on" : "off"}`);

await clock.advance(4_000);
console.log("it is back:");
degradation.service("database").markUp();
for (const target of ["orders", "shop"]) await recovery.recovered(target, { because: "it answers again" });
await clock.advance(30_000);

await recovery.report({ type: "diskBroken", target: "disk-7" });
await clock.advance(60_000);

const { open, closed } = await recovery.snapshot();
const symptoms = closed.filter(({ attemptCount, outcome }) => attemptCount === 0 && outcome === "recovered").length;
const databases = restarts.filter((target) => target === "database").length;
await recovery.close();
await degradation.close();
if (open.length !== 1 || featureChanges !== 4) process.exitCode = 1;
else {
  console.log(
    `ok: ${databases} database was restarted, ${symptoms} symptoms passed, ${calls.length} person was called`,
  );
}
