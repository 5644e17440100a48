import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock } from "../../runtime/system.ts";
import { postBatch } from "../post-batch.ts";
import { batchSink, type BatchSink, type BatchSinkOptions } from "./batch-sink.ts";
import { logLine, type LogEntry } from "./log-entry.ts";

/** The part of `fetch` that is used. */
export type LogFetch = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
    readonly redirect?: "error";
  },
) => Promise<{
  readonly status: number;
  readonly body?: { cancel(): Promise<void> } | null;
  readonly headers?: { get(name: string): string | null };
}>;

export interface HttpSinkOptions extends Omit<BatchSinkOptions, "send"> {
  /** Where batches are posted: `http` or `https`. */
  readonly url: string;
  /** The program's own: `fetch`, or what a pipeline makes of it. */
  readonly fetch: LogFetch;
  /** Beside the content type. */
  readonly headers?: Readonly<Record<string, string>>;
  /** One JSON document a line, or one array. Default `lines`. */
  readonly format?: "lines" | "array";
}

/**
 * A sink that posts lines in batches. A 2xx takes them; 413 sends halves; another 4xx drops them, counted; everything else
 * is tried again, after a `Retry-After` where there is one, of five minutes at most. A redirect takes nothing.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const logger = createLogger({ service: "orders", sinks: [httpSink({ url: "https://logs.example/ingest", fetch })] });
 */
export function httpSink(options: HttpSinkOptions): BatchSink {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError("httpSink options", "must be an object", options);
  }
  const { url, fetch, headers = {}, format = "lines", ...batch } = options;
  if (typeof url !== "string" || !/^https?:\/\/[^/]/.test(url)) {
    throw new InvalidArgumentError("httpSink.url", "must be an http or https URL", url);
  }
  checkFunction("httpSink.fetch", fetch ?? null);
  if (format !== "lines" && format !== "array") {
    throw new InvalidArgumentError("httpSink.format", 'must be "lines" or "array"', format);
  }
  checkOptionNames("httpSink.headers", headers, Object.keys(headers));
  const contentType = format === "lines" ? "application/x-ndjson" : "application/json";
  const all = { ...headers, "content-type": contentType };
  return batchSink({
    ...batch,
    send: (entries, { signal }) => {
      const request = { url, headers: all, body: bodyOf(entries, format), signal };
      return postBatch(fetch, request, batch.clock ?? systemClock);
    },
  });
}

function bodyOf(entries: readonly LogEntry[], format: "lines" | "array"): string {
  const lines = entries.map(logLine);
  return format === "lines" ? `${lines.join("\n")}\n` : `[${lines.join(",")}]`;
}
