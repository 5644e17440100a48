export { requestSignal, ResponseFailedError, sheddingDefaults } from "../http-server/index.ts";
export type { SheddingOptions, ShedEvent } from "../http-server/index.ts";
export { sheddingPlugin } from "./shedding-plugin.ts";
export type { RouteShedding, SheddingPluginOptions } from "./shedding-plugin.ts";
