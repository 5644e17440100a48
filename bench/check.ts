import { checkLinearizable, keyValue, keyValueAppend, type HistoryEvent, type Model } from "holdfast/proof";
import { seededRandom } from "holdfast/runtime";
import { drawHistory, eventsOf } from "../packages/holdfast/src/proof/testing/drawn-history.ts";
import type { AnyReference } from "../packages/holdfast/src/proof/testing/reference-object.ts";
import { subjects } from "../packages/holdfast/src/proof/testing/subjects.ts";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { measureVerdicts } from "./check-verdicts.ts";

const clients = 50;

/** There is no checker of linearizability on npm to measure against: the peer is the figure that is wanted. */
export const check: Benchmark = {
  name: "check",
  summary: "how fast histories are checked for linearizability; --cases verdicts: whether rightly, all models",
  cases: ["speed", "verdicts"],
  async run(context) {
    return context.cases === "verdicts" ? measureVerdicts(context) : measureSpeed(context);
  },
};

async function measureSpeed(context: BenchmarkContext): Promise<ReturnType<Samples["measurements"]>> {
  const samples = new Samples();
  const million = drawn(subjects.kv.reference, 1_000_000, 10_000, 1);
  for (let round = 1; round <= context.rounds; round++) {
    context.signal.throwIfAborted();
    const before = process.cpuUsage();
    const seconds = timed(keyValue(), million) / 1000;
    const { user, system } = process.cpuUsage(before);
    const gibibytes = process.resourceUsage().maxRSS / 2 ** 20;
    context.progress(`round ${round}: 1 000 000 operations: ${seconds.toFixed(1)} s, ${gibibytes.toFixed(2)} GiB`);
    const what = "kv, 1 000 000 operations, 10 000 keys";
    samples.add("holdfast", { case: what, unit: "s", better: "lower" }, seconds);
    samples.add("wanted", { case: what, unit: "s", better: "lower" }, 20);
    // Of all threads: what a busy machine does not change.
    samples.add("holdfast", { case: what, unit: "s of CPU", better: "lower" }, (user + system) / 1e6);
    // Of the whole process, with the history and what drew it.
    samples.add("holdfast", { case: what, unit: "GiB at most", better: "lower" }, gibibytes);
    samples.add("wanted", { case: what, unit: "GiB at most", better: "lower" }, 2);
  }
  for (const [name, model] of [
    ["kv", keyValue()],
    ["kv-append", keyValueAppend()],
  ] as const) {
    for (let seed = 1; seed <= 5 * context.rounds; seed++) {
      context.signal.throwIfAborted();
      const history = drawn(subjects[name].reference, 2000, 10, seed);
      const figure = { case: `${name}, 2 000 operations, 10 keys`, unit: "ms", better: "lower" } as const;
      samples.add("holdfast", figure, timed(model, history));
      samples.add("wanted", figure, 200);
    }
  }
  return samples.measurements("holdfast");
}

function drawn(reference: AnyReference, operations: number, keys: number, seed: number): HistoryEvent[] {
  const shape = { clients, operations, keys, unknown: 0.001, failed: 0.01 };
  return eventsOf(drawHistory(reference, shape, seededRandom(seed)));
}

function timed(model: Model, history: readonly HistoryEvent[]): number {
  const started = performance.now();
  const { verdict, explanation } = checkLinearizable(model, history);
  if (verdict !== "ok") throw new Error(`a history that is right by construction: ${verdict}: ${explanation}`);
  return performance.now() - started;
}
