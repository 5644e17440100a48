import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { RequestBurst } from "./problem-documents-client.ts";

/** In one burst: some ten milliseconds. */
const requests = 500;
const connections = 16;

const cases = [
  { title: "route that succeeds: processor time per request", path: "/works" },
  { title: "route that throws: processor time per request", path: "/fails" },
] as const;

type Add = (system: string, microseconds: number) => void;

/** What problem documents cost a Fastify server, which shows in its processor time, whoever else uses the machine. */
export const problemDocuments: Benchmark = {
  name: "problem-documents",
  summary: "what the error plugin adds to a Fastify route, in turn with the bare route in one process",
  async run(context: BenchmarkContext) {
    const samples = new Samples();
    for (let round = 0; round < context.rounds; round++) {
      // A process of its own for each round: how its code happens to be compiled and placed counts for a percent or two.
      const server = fork(join(import.meta.dirname, "problem-documents-server.ts"), {
        execArgv: ["--conditions=source"],
      });
      try {
        const [ports] = (await once(server, "message", { signal: context.signal })) as [Record<string, number>];
        for (const { title, path } of cases) {
          await measure(server, ports, path, context, (system, us) =>
            samples.add(system, { case: title, unit: "µs", better: "lower" }, us),
          );
        }
      } finally {
        server.disconnect();
      }
      context.progress(`round ${round + 1} of ${context.rounds}`);
    }
    const measurements = samples.measurements("holdfast");
    for (const { case: title, ours, peers } of measurements) {
      const { bare = Number.NaN } = peers;
      context.progress(`${title}: overhead ${(100 * (ours / bare - 1)).toFixed(1)} %`);
    }
    return measurements;
  },
};

async function measure(
  server: ChildProcess,
  ports: Readonly<Record<string, number>>,
  path: string,
  { seconds, signal }: BenchmarkContext,
  add: Add,
): Promise<void> {
  const bursts = await Promise.all(
    Object.entries(ports).map(async ([name, port]) => ({
      name,
      burst: await RequestBurst.open(port, path, "}", connections),
    })),
  );
  try {
    for (let warmUp = 0; warmUp < 20; warmUp++) for (const { burst } of bursts) await burst.run(requests);
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end) {
      signal.throwIfAborted();
      // There and back: whatever changes with time hits both alike.
      for (const { name, burst } of [...bursts, ...bursts.toReversed()]) {
        const before = await processorTime(server);
        const answered = await burst.run(requests);
        add(name, ((await processorTime(server)) - before) / answered);
      }
    }
  } finally {
    for (const { burst } of bursts) burst.close();
  }
}

async function processorTime(server: ChildProcess): Promise<number> {
  server.send("processor time");
  const [microseconds] = (await once(server, "message")) as [number];
  return microseconds;
}
