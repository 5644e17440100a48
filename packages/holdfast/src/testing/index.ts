export { CoreCluster } from "./core-cluster.ts";
export type { CoreClusterOptions } from "./core-cluster.ts";
