import { parseTraceContext } from "../../telemetry/index.ts";

/** The trace id of a `traceparent` header; undefined for one that breaks the rules, which is to be ignored. */
export function traceIdOf(traceparent: unknown): string | undefined {
  return parseTraceContext(traceparent)?.traceId;
}
