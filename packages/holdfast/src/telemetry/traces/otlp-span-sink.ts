import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock } from "../../runtime/system.ts";
import type { LogFetch } from "../logs/http-sink.ts";
import { postBatch } from "../post-batch.ts";
import { batchSpanSink, type BatchSpanSink, type BatchSpanSinkOptions } from "./batch-span-sink.ts";
import { AttributeTable } from "./kept-attributes.ts";
import { otlpDocument } from "./otlp-document.ts";
import type { Attributes } from "./span.ts";

export interface OtlpSpanSinkOptions extends Omit<BatchSpanSinkOptions, "send"> {
  /** Of the collector, whole: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** The program's own: `fetch`, or what a pipeline makes of it. */
  readonly fetch: LogFetch;
  /** Whose spans they are: `service.name`. */
  readonly service: string;
  /** More about the process: `service.version`, `deployment.environment.name`. */
  readonly resource?: Attributes;
  /** Beside the content type. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A sink that posts spans to a collector by OTLP over HTTP, in JSON: the OpenTelemetry collector, Jaeger and most others
 * take it. A 2xx takes a batch; 413 sends halves; another 4xx drops it, counted; everything else is tried again.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const sink = otlpSpanSink({ url: "http://127.0.0.1:4318/v1/traces", service: "shop", fetch });
 */
export function otlpSpanSink(options: OtlpSpanSinkOptions): BatchSpanSink {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError("otlpSpanSink options", "must be an object", options);
  }
  const { url, fetch, service, resource = {}, headers = {}, ...batch } = options;
  if (typeof url !== "string" || !/^https?:\/\/[^/]/.test(url)) {
    throw new InvalidArgumentError("otlpSpanSink.url", "must be an http or https URL", url);
  }
  checkFunction("otlpSpanSink.fetch", fetch ?? null);
  if (typeof service !== "string" || service === "" || service.length > 128) {
    throw new InvalidArgumentError("otlpSpanSink.service", "must be 1 to 128 characters", service);
  }
  checkOptionNames("otlpSpanSink.headers", headers, Object.keys(headers));
  checkOptionNames("otlpSpanSink.resource", resource, Object.keys(resource));
  const table = new AttributeTable(128, 8_192);
  table.setAll({ ...resource, "service.name": service });
  const source = { resource: table.values, scope: "holdfast" };
  const all = { ...headers, "content-type": "application/json" };
  return batchSpanSink({
    ...batch,
    send: (spans, { signal }) => {
      const request = { url, headers: all, body: otlpDocument(spans, source), signal };
      return postBatch(fetch, request, batch.clock ?? systemClock);
    },
  });
}
