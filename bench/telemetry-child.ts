/**
 * One case, watched in one way, in a process of its own: `node telemetry-child.ts WATCH CASE SECONDS` prints `{ ns }` per
 * call, without what a bare call takes. What is looked for is a few nanoseconds, so the figure is that of the quickest of
 * thousands of short slices, which nothing else on the machine has disturbed; nor has a collection of garbage.
 */
import { guardedLoop } from "./guarded-loop.ts";
import { resilienceCases, type CaseName, type System } from "./resilience-cases.ts";

const [watch = "", caseName = "retry", seconds = "3"] = process.argv.slice(2);
const { operation: kind } = resilienceCases[caseName as CaseName];
const { system } = (await import(`./telemetry-${watch}.ts`)) as { readonly system: System };
const protect = system[caseName as CaseName];
if (protect === undefined) throw new Error(`${watch} has no ${caseName}`);

const { bare, guarded, settled } = guardedLoop(kind, protect);

const slice = 400;
const warmUp = 200_000;
await bare(warmUp);
await guarded(warmUp);
let bareNs = Infinity;
let guardedNs = Infinity;
for (let at = 0; at < 500 * Number(seconds); at++) {
  bareNs = Math.min(bareNs, await nanoseconds(bare));
  guardedNs = Math.min(guardedNs, await nanoseconds(guarded));
}
if (kind === "fails 7 in 8" && settled() === 0) throw new Error("nothing has failed");
process.stdout.write(JSON.stringify({ ns: guardedNs - bareNs }));
process.exit(0);

async function nanoseconds(loop: (count: number) => Promise<void>): Promise<number> {
  const from = performance.now();
  await loop(slice);
  return ((performance.now() - from) * 1e6) / slice;
}
