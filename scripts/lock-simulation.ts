import { parseArgs } from "node:util";
import { lockBugs, runLocks, type LockBug } from "../test/simulation/locks/lock-world.ts";

const usage = `node --conditions=source scripts/lock-simulation.ts [--days N] [--seed S] [--pace P] [--plant BUG] [--json]

Locks over simulated clusters while their processes are killed, paused and cut off: one run of a day for each seed.

  --days N     days of virtual time (default 1)
  --seed S     the seed of the first (default 1)
  --hours H    the length of one run instead of a day
  --pace P     everything is so many times slower, and so cheaper to simulate (default 20; 1 as in the tests)
  --plant BUG  a mistake, to see it found: ${lockBugs.join(", ")}
  --json       print one JSON document`;

process.exitCode = await main();

async function main(): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        days: { type: "string", default: "1" },
        seed: { type: "string", default: "1" },
        hours: { type: "string", default: "24" },
        pace: { type: "string", default: "20" },
        plant: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [days, seed, hours, pace] = [values.days, values.seed, values.hours, values.pace].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const plant = values.plant as LockBug | undefined;
  const numbersFit = [days, seed].every((value) => Number.isSafeInteger(value) && value > 0) && hours > 0 && pace >= 1;
  if (!numbersFit || (plant !== undefined && !lockBugs.includes(plant))) {
    console.error(usage);
    return 2;
  }

  const startedAt = performance.now();
  const total = { grants: 0, admitted: 0, stale: 0, fencedOut: 0, lostSessions: 0 };
  const faults: Record<string, number> = {};
  const violations: { seed: number; invariant: string; command: string }[] = [];
  let virtualMs = 0;
  for (let at = 0; at < days; at++) {
    const run = await runLocks({ seed: seed + at, virtualMs: hours * 3_600_000, pace, plant });
    virtualMs += run.virtualMs;
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += run.tally[name];
    for (const [kind, count] of Object.entries(run.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    console.error(`seed ${run.seed}: ${run.violation ?? "ok"}, ${run.tally.grants} grants; ${seconds} s so far`);
    if (run.violation === undefined) continue;
    const command = `node --conditions=source scripts/lock-simulation.ts --seed ${run.seed} --hours ${hours} --pace ${pace}`;
    violations.push({
      seed: run.seed,
      invariant: run.violation,
      command: plant ? `${command} --plant ${plant}` : command,
    });
  }
  const wallMs = Math.round(performance.now() - startedAt);
  if (values.json) {
    console.log(JSON.stringify({ seeds: days, violations, faults, tally: total, virtualMs, wallMs }));
  } else {
    console.log(JSON.stringify(total), JSON.stringify(faults));
    for (const { invariant, command } of violations) console.log(`${invariant}\n  again: ${command}`);
    console.log(
      `${(virtualMs / 86_400_000).toFixed(2)} days in ${Math.round(wallMs / 1_000)} s, ${violations.length} violations`,
    );
  }
  return violations.length === 0 ? 0 : 1;
}
