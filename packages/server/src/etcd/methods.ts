import { clusterMethods } from "./cluster-service.ts";
import { kvMethods } from "./kv-service.ts";
import { maintenanceMethods } from "./maintenance-service.ts";
import type { Method } from "./method.ts";

/** Every method that is served; all others are answered with UNIMPLEMENTED. */
export const methods: readonly Method[] = [...kvMethods, ...clusterMethods, ...maintenanceMethods];
