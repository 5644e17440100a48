import { authMethods } from "./auth-service.ts";
import { clusterMethods } from "./cluster-service.ts";
import { electionMethods } from "./election-service.ts";
import { kvMethods } from "./kv-service.ts";
import { leaseMethods } from "./lease-service.ts";
import { lockMethods } from "./lock-service.ts";
import { maintenanceMethods } from "./maintenance-service.ts";
import type { Method } from "./method.ts";
import { watchMethods } from "./watch-service.ts";

/** Every method that is served; all others are answered with UNIMPLEMENTED. */
export const methods: readonly Method[] = [
  ...kvMethods,
  ...leaseMethods,
  ...watchMethods,
  ...clusterMethods,
  ...maintenanceMethods,
  ...authMethods,
  ...lockMethods,
  ...electionMethods,
];
