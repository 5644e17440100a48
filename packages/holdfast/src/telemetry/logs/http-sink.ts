import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { batchSink, type BatchSink, type BatchSinkOptions, type SendOutcome } from "./batch-sink.ts";
import { logLine, type LogEntry } from "./log-entry.ts";

/** The part of `fetch` that is used. */
export type LogFetch = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly status: number; readonly body?: { cancel(): Promise<void> } | null }>;

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

/** What may be otherwise the next time: too many requests, and a time that was up. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);
const tooLargeStatus = 413;

/**
 * A sink that posts lines in batches. A 2xx takes them; 413 sends halves; another 4xx drops them, counted; everything else
 * is tried again.
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
    async send(entries, { signal }): Promise<SendOutcome> {
      const { status, body } = await fetch(url, {
        method: "POST",
        headers: all,
        body: bodyOf(entries, format),
        signal,
      });
      // What is not read keeps a connection.
      await body?.cancel();
      if (status >= 200 && status < 300) return "sent";
      if (status === tooLargeStatus) return "tooLarge";
      if (status >= 400 && status < 500 && !passing.has(status)) return "refused";
      throw new Error(`the log server answered ${status}`);
    },
  });
}

function bodyOf(entries: readonly LogEntry[], format: "lines" | "array"): string {
  const lines = entries.map(logLine);
  return format === "lines" ? `${lines.join("\n")}\n` : `[${lines.join(",")}]`;
}
