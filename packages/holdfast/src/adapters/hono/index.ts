export { requestSignal, ResponseFailedError, sheddingDefaults } from "../http-server/index.ts";
export type { SheddingOptions, ShedEvent } from "../http-server/index.ts";
export { shedding } from "./shedding.ts";
