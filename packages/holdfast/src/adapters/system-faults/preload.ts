/**
 * Lets faults strike this Node process from within, when its environment agrees: `HOLDFAST_FAULTS=allow node --import
 * holdfast/adapters/system-faults/preload service.js`. Without that it does nothing. Loaded before the program's own code, so
 * that what that imports is what can be struck.
 */
import { isMainThread } from "node:worker_threads";
import { patchClocks } from "./clock-patch.ts";
import { controlDirectory, controlPath, makeControlDirectory } from "./control-place.ts";
import { listenForFaults } from "./control-server.ts";
import { patchFiles } from "./file-patch.ts";
import { InnerFaults } from "./inner-faults.ts";
import { optInVariable } from "./opt-in.ts";
import { processRecord } from "./process-record.ts";
import { patchTimers } from "./timer-patch.ts";

const agreement = process.env[optInVariable] ?? "";
// Threads have clocks and timers of their own; only the program's first one is struck.
if (process.platform === "linux" && isMainThread && agreement !== "") {
  const faults = new InnerFaults(agreement);
  await patchFiles(faults.files);
  patchClocks(faults.time);
  patchTimers(faults.time);
  const record = processRecord(process.pid);
  const directory = controlDirectory(process.env, process.getuid?.() ?? 0);
  try {
    makeControlDirectory(directory);
    if (record !== undefined) listenForFaults(controlPath(directory, record.pid, record.identity), faults);
  } catch (error) {
    // The program is none the worse for it.
    process.emitWarning(`no faults can be injected: ${(error as Error).message}`);
  }
}
