/**
 * One case of one system, in a process of its own, so that what is compiled for one does not slow another:
 * `node resilience-child.ts SYSTEM CASE MS` prints `{ ns, bytes }` per call, both without what a bare call takes.
 */
import { guardedLoop } from "./guarded-loop.ts";
import { resilienceCases, type CaseName, type System } from "./resilience-cases.ts";

const [name = "", caseName = "retry", ms = "400"] = process.argv.slice(2);
const { operation: kind, bytes: wantsBytes } = resilienceCases[caseName as CaseName];
const { system } = (await import(`./resilience-${name}.ts`)) as { readonly system: System };
const protect = system[caseName as CaseName];
if (protect === undefined) throw new Error(`${name} has no ${caseName}`);

const { bare, guarded, settled } = guardedLoop(kind, protect);

const warmUpMs = 400;
/** Calls in one slice of about five milliseconds, however slow the system is. */
let slice = 16;
const started = performance.now();
while (performance.now() - started < warmUpMs) {
  const from = performance.now();
  await guarded(slice);
  if (performance.now() - from < 5) slice *= 2;
  await bare(slice);
}

const bareNs: number[] = [];
const guardedNs: number[] = [];
const end = performance.now() + Number(ms);
do {
  bareNs.push(await nanoseconds(bare));
  guardedNs.push(await nanoseconds(guarded));
} while (performance.now() < end);

const ns = median(guardedNs) - median(bareNs);
const bytes = wantsBytes ? (await bytesOf(guarded)) - (await bytesOf(bare)) : undefined;
if (kind === "fails 7 in 8" && settled() === 0) throw new Error("nothing has failed");
process.stdout.write(JSON.stringify({ ns, bytes }));
process.exit(0);

async function nanoseconds(loop: (count: number) => Promise<void>): Promise<number> {
  const from = performance.now();
  await loop(slice);
  return ((performance.now() - from) * 1e6) / slice;
}

async function bytesOf(loop: (count: number) => Promise<void>): Promise<number> {
  const calls = 500;
  const taken: number[] = [];
  for (let i = 0; i < 7; i++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await loop(calls);
    taken.push((process.memoryUsage().heapUsed - before) / calls);
  }
  return median(taken);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
