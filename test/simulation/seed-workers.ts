import { Worker } from "node:worker_threads";
import type { RunOptions, RunResult } from "./run.ts";

/**
 * Runs seeds on several threads, each seed whole on one of them, and hands each result on as it comes.
 * `stop` ends it early: seeds under way finish, none is begun.
 */
export async function runSeeds(
  seeds: readonly number[],
  options: Omit<RunOptions, "seed">,
  threads: number,
  onResult: (result: RunResult) => "go on" | "stop",
): Promise<void> {
  const left = [...seeds].reverse();
  await Promise.all(
    Array.from({ length: Math.min(threads, seeds.length) }, async () => {
      const worker = new Worker(new URL("seed-worker.ts", import.meta.url), {
        execArgv: ["--conditions=source"],
      });
      try {
        for (let seed = left.pop(); seed !== undefined; seed = left.pop()) {
          const result = await runOn(worker, { ...options, seed });
          if (onResult(result) === "stop") left.length = 0;
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
}

function runOn(worker: Worker, options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    worker.once("message", (result: RunResult) => {
      worker.off("error", reject);
      resolve(result);
    });
    worker.once("error", reject);
    worker.postMessage(options);
  });
}
