export {
  exposed,
  problemDefaults,
  requestSignal,
  ResponseFailedError,
  sheddingDefaults,
} from "../http-server/index.ts";
export type { ProblemEvent, ProblemOptions, ProblemOutcome, SheddingOptions, ShedEvent } from "../http-server/index.ts";
export { instrument, instrumentErrors } from "./instrument.ts";
export { problems } from "./problem-handler.ts";
export type { Problems } from "./problem-handler.ts";
export { shedding } from "./shedding.ts";
export { healthHandler } from "./health-handler.ts";
export type { HealthRoutesOptions } from "../http-server/index.ts";
export { tracing } from "./tracing.ts";
