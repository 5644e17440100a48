/** Injects and stays: `node system-fault-injector.ts '{ "pid", "directory", "requests", … }'`. */
import { diskFaultJournal, faultRegistry, type LiveFaultRequest } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { directoryTarget, diskProxy, nodeTarget, pressureTarget, processTarget } from "holdfast/adapters/system-faults";

interface Work {
  readonly pid: number;
  readonly directory: string;
  readonly journal?: string;
  readonly mount?: string;
  readonly requests: readonly LiveFaultRequest[];
}

const { pid, directory, journal, mount, requests } = JSON.parse(process.argv[2] ?? "") as Work;
const { clock, disk } = nodeRuntime();
const faults = faultRegistry({
  clock,
  targets: [
    processTarget({ name: "process", pid }),
    nodeTarget({ name: "node", pid }),
    pressureTarget(),
    directoryTarget({ name: "directory", directory, leaveFreeBytes: 0 }),
  ],
  ...(journal === undefined ? {} : { journal: await diskFaultJournal({ disk, directory: journal }) }),
});
if (mount !== undefined) faults.addTarget(await diskProxy({ name: "disk", directory, mount }));
for (const request of requests) await faults.inject(request);
console.log("struck");
await clock.sleep(60_000);
