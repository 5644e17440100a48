/** Cuts a port off and stays: `node packet-filter-injector.ts PORT JOURNAL DURATION_MS`. */
import { diskFaultJournal, faultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { packetFilter } from "../../packages/holdfast/src/adapters/packet-filter/index.ts";

const [port, directory = "", durationMs] = process.argv.slice(2);
const { clock, disk } = nodeRuntime();
const filter = packetFilter({ name: "service", peer: { host: "127.0.0.1", port: Number(port) } });
const journal = await diskFaultJournal({ disk, directory });
const faults = faultRegistry({ clock, targets: [filter], journal });
await faults.inject({ target: "service", kind: "partition", durationMs: Number(durationMs) });
console.log("cut");
await clock.sleep(60_000);
