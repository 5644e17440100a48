import { checkFunction, checkOptionNames } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import { BatchQueue, checkBatchRules, type BatchMetrics, type BatchRules, type SendOutcome } from "../batch-queue.ts";
import type { SpanSink } from "./span-sink.ts";
import type { FinishedSpan } from "./span.ts";

export interface BatchSpanSinkOptions {
  /** Sends one batch. What it throws or rejects with may pass: the batch is sent again, after growing delays. */
  readonly send: (batch: readonly FinishedSpan[], context: { readonly signal: AbortSignal }) => Promise<SendOutcome>;
  /** Spans in a batch. Default 512. */
  readonly maxBatch?: number;
  /** Spans that wait, with those under way; beyond, some are dropped and counted. Default 4 096. */
  readonly maxBuffered?: number;
  /** Which are dropped then. Default `newest`: what is kept is then whole traces rather than their ends. */
  readonly overflow?: "oldest" | "newest";
  /** How long a span waits for others to go with it. Default 2 000 ms. */
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

/** A sink that sends spans in batches, and waits for nobody. */
export interface BatchSpanSink extends SpanSink {
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
  readonly metrics: BatchMetrics;
}

export const batchSpanSinkDefaults: BatchRules = {
  maxBatch: 512,
  maxBuffered: 4_096,
  overflow: "newest",
  delayMs: 2_000,
  timeoutMs: 10_000,
  retryMs: { least: 500, most: 30_000 },
  closeMs: 5_000,
};

/**
 * A sink that keeps spans while the other side is down, up to a bound, and counts what it dropped beyond it.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 */
export function batchSpanSink(options: BatchSpanSinkOptions): BatchSpanSink {
  checkOptionNames("batchSpanSink", options, [...Object.keys(batchSpanSinkDefaults), "send", "clock", "random"]);
  const all = { ...batchSpanSinkDefaults, clock: systemClock, random: systemRandom, ...options };
  checkFunction("batchSpanSink.send", all.send ?? null);
  checkBatchRules("batchSpanSink", all);
  return new BatchQueue<FinishedSpan>(all);
}
