export { coordinationConformance } from "./coordination-conformance.ts";
export type {
  CoordinationContext,
  CoordinationHome,
  CoordinationSuite,
  CoordinationTest,
} from "./coordination-suite.ts";
export { CoreCluster } from "./core-cluster.ts";
export type { CoreClusterOptions } from "./core-cluster.ts";
export { CorePromises } from "./core-promises.ts";
export type { RuntimeContext, RuntimeSuite, RuntimeTest } from "./conformance-suite.ts";
export { runtimeConformance } from "./runtime-conformance.ts";
export { VirtualClock } from "./virtual-clock.ts";
