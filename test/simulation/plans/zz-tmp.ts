import { runPlans } from "/work/main/test/simulation/plans/plan-world.ts";
for (const seed of process.argv.slice(2).map(Number)) {
  const t = performance.now();
  const r = await runPlans({ seed, virtualMs: 5 * 60_000 });
  console.log(seed, Math.round(performance.now() - t), r.violation, r.executions, JSON.stringify(r.tally), JSON.stringify(r.faults));
}
