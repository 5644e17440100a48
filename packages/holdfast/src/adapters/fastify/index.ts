export {
  exposed,
  problemDefaults,
  requestSignal,
  ResponseFailedError,
  sheddingDefaults,
} from "../http-server/index.ts";
export type { ProblemEvent, ProblemOptions, ProblemOutcome, SheddingOptions, ShedEvent } from "../http-server/index.ts";
export { healthPlugin } from "./health-plugin.ts";
export type { HealthPluginOptions } from "./health-plugin.ts";
export { instrumentPlugin } from "./instrument-plugin.ts";
export type { InstrumentPluginOptions } from "./instrument-plugin.ts";
export { problemPlugin } from "./problem-plugin.ts";
export type { ProblemPluginOptions } from "./problem-plugin.ts";
export { sheddingPlugin } from "./shedding-plugin.ts";
export type { RouteShedding, SheddingPluginOptions } from "./shedding-plugin.ts";
export { tracingPlugin } from "./tracing-plugin.ts";
export type { TracingPluginOptions } from "./tracing-plugin.ts";
