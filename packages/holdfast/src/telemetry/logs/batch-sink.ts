import { checkFunction, checkOneOf, checkOptionNames } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import { BatchQueue, checkBatchRules, type BatchMetrics, type BatchRules, type SendOutcome } from "../batch-queue.ts";
import { logLevels, type LogEntry, type LogLevel } from "./log-entry.ts";
import type { LogSink } from "./log-sink.ts";

export type { SendOutcome } from "../batch-queue.ts";

export interface BatchSinkOptions {
  /**
   * Sends one batch. What it throws or rejects with may pass: the batch is sent again, after growing delays, and not
   * before `retryAfterMs` where the error has that, of five minutes at most.
   */
  readonly send: (batch: readonly LogEntry[], context: { readonly signal: AbortSignal }) => Promise<SendOutcome>;
  readonly level?: LogLevel;
  /** Lines in a batch. Default 500. */
  readonly maxBatch?: number;
  /** Lines that wait, with those under way; beyond, some are dropped and counted. Default 10 000. */
  readonly maxBuffered?: number;
  /** Which are dropped then. Default `oldest`: what is new tells more about what is wrong now. */
  readonly overflow?: "oldest" | "newest";
  /** How long a line waits for others to go with it. Default 1 000 ms. */
  readonly delayMs?: number;
  /** How long one sending may take. Default 10 000 ms. */
  readonly timeoutMs?: number;
  /** Between two tries: from so much, doubling, up to so much. Default 500 ms and 30 000 ms. */
  readonly retryMs?: { readonly least: number; readonly most: number };
  /** How long `close` goes on trying. Default 5 000 ms. */
  readonly closeMs?: number;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** How often what happened to lines since the start. */
export type BatchSinkMetrics = BatchMetrics;

/** A sink that sends lines in batches, and waits for nobody. */
export interface BatchSink extends LogSink {
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
  readonly metrics: BatchSinkMetrics;
}

export const batchSinkDefaults: BatchRules = {
  maxBatch: 500,
  maxBuffered: 10_000,
  overflow: "oldest",
  delayMs: 1_000,
  timeoutMs: 10_000,
  retryMs: { least: 500, most: 30_000 },
  closeMs: 5_000,
};

/**
 * A sink that keeps lines while the other side is down, up to a bound, and tells it afterwards how many it has missed: a
 * line of its own, `log lines were dropped`, with the exact count, goes before what comes after the gap.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 */
export function batchSink(options: BatchSinkOptions): BatchSink {
  checkOptionNames("batchSink", options, [...Object.keys(batchSinkDefaults), "send", "level", "clock", "random"]);
  const all = { ...batchSinkDefaults, clock: systemClock, random: systemRandom, ...options };
  checkFunction("batchSink.send", all.send ?? null);
  if (all.level !== undefined) checkOneOf("batchSink.level", all.level, logLevels);
  checkBatchRules("batchSink", all);
  return new SendingSink(all);
}

type Settings = Required<Omit<BatchSinkOptions, "level">> & Pick<BatchSinkOptions, "level">;

class SendingSink implements BatchSink {
  readonly level?: LogLevel;
  readonly #send: Settings["send"];
  readonly #queue: BatchQueue<LogEntry>;
  /** Not told to the other side yet, and since when. */
  #gap: { count: number; readonly entry: LogEntry } | undefined;

  constructor({ level, send, ...rules }: Settings) {
    if (level !== undefined) this.level = level;
    this.#send = send;
    this.#queue = new BatchQueue<LogEntry>({
      ...rules,
      send: (batch, context) => this.#sendWithGap(batch, context),
      onDrop: ({ at, service }, count) => {
        this.#gap ??= {
          count: 0,
          entry: { at, level: "warn", service, message: "log lines were dropped", fields: {} },
        };
        this.#gap.count += count;
      },
    });
  }

  get metrics(): BatchSinkMetrics {
    return this.#queue.metrics;
  }

  write(entry: LogEntry): void {
    this.#queue.write(entry);
  }

  flush(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#queue.flush(options);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #sendWithGap(batch: readonly LogEntry[], context: { readonly signal: AbortSignal }): Promise<SendOutcome> {
    const gap = this.#gap;
    const told = gap?.count ?? 0;
    const lines = gap === undefined ? batch : [{ ...gap.entry, fields: { dropped: told } }, ...batch];
    const outcome = await this.#send(lines, context);
    // What comes after its time was up is sent again, with the gap.
    if (outcome === "sent" && gap !== undefined && !context.signal.aborted) {
      // More may have been dropped meanwhile: that is another gap.
      if (gap.count === told) this.#gap = undefined;
      else gap.count -= told;
    }
    return outcome;
  }
}
