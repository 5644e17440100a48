export { packetFilter } from "./packet-filter.ts";
export type { PacketFilterOptions } from "./packet-filter.ts";
