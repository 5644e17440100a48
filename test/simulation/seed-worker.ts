import { parentPort } from "node:worker_threads";
import { runSimulation, type RunOptions } from "./run.ts";

parentPort!.on("message", (options: RunOptions) => {
  void runSimulation(options).then((result) => parentPort!.postMessage(result));
});
