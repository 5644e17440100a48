import type { SinkTracer } from "holdfast/telemetry";
import { usageError } from "./exit.ts";
import { integer, text, type Option } from "./option.ts";

/** Where a node's traces go. */
export const traceOptions: {
  readonly traceUrl: Option<string | undefined>;
  readonly tracePercent: Option<number>;
} = {
  traceUrl: text({
    placeholder: "URL",
    help: "send traces of requests to this collector, by OTLP over HTTP: http://127.0.0.1:4318/v1/traces",
  }),
  tracePercent: integer({
    min: 0,
    max: 100,
    default: 0,
    help: "trace so many percent of the requests whose callers name no trace",
  }),
};

interface TraceValues {
  readonly traceUrl: string | undefined;
  readonly tracePercent: number;
}

/** What gives the members of a cluster the same options. @throws ExitError (usage) for a URL that is none */
export function traceLine({ traceUrl, tracePercent }: TraceValues): readonly string[] {
  if (traceUrl === undefined) return [];
  checkUrl(traceUrl);
  return [`--trace-url=${traceUrl}`, `--trace-percent=${tracePercent}`];
}

/** Undefined without a URL. @throws ExitError (usage) for one that is none */
export async function openTracer(
  { traceUrl, tracePercent }: TraceValues,
  member: string,
): Promise<SinkTracer | undefined> {
  if (traceUrl === undefined) return undefined;
  checkUrl(traceUrl);
  const { createTracer, otlpSpanSink, sampleByParent, sampleRatio } = await import("holdfast/telemetry");
  const resource = { "service.instance.id": member };
  return createTracer({
    sinks: [otlpSpanSink({ url: traceUrl, service: "holdfast", resource, fetch })],
    sampler: sampleByParent({ root: sampleRatio(tracePercent / 100) }),
  });
}

function checkUrl(traceUrl: string): void {
  if (URL.canParse(traceUrl) && /^https?:$/.test(new URL(traceUrl).protocol)) return;
  throw usageError(`--trace-url must be an http or https URL (got ${JSON.stringify(traceUrl)})`);
}
