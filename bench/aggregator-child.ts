/** One case in a process of its own: `node aggregator-child.ts CASE` prints `{ ns, mib }`. */
import { createErrorAggregator, type ErrorAggregator } from "holdfast/errors";
import { aggregatorCases, records } from "./aggregator-cases.ts";

const found = aggregatorCases[process.argv[2] ?? ""];
if (found === undefined) throw new Error(`there is no case ${process.argv[2]}`);
const { make, context, settings = {} } = found;
const batch = 10_000;

let cpuMicroseconds = 0;

function run(aggregator: ErrorAggregator, count: number): void {
  for (let done = 0; done < count; done += batch) {
    const errors = Array.from({ length: batch }, (_, i) => make(done + i));
    const options = errors.map((_, i) => (context === undefined ? undefined : { context: context(done + i) }));
    const before = process.cpuUsage();
    for (let i = 0; i < batch; i++) aggregator.record(errors[i], options[i]);
    const { user, system } = process.cpuUsage(before);
    cpuMicroseconds += user + system;
  }
}

run(createErrorAggregator(settings), 10 * batch);
cpuMicroseconds = 0;
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const measured = createErrorAggregator(settings);
run(measured, records);
globalThis.gc?.();
const { heapUsed, arrayBuffers } = process.memoryUsage();
if (measured.statistics.recorded !== records) throw new Error("not all errors were recorded");
process.stdout.write(
  JSON.stringify({
    ns: (cpuMicroseconds * 1000) / records,
    mib: (heapUsed - heapBefore + arrayBuffers) / 2 ** 20,
  }),
);
