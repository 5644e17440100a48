import { checkFunction, checkInteger, checkNumber, checkOneOf, checkOptionNames } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource, type Timer } from "../../runtime/system.ts";
import { logLevels, type LogEntry, type LogLevel } from "./log-entry.ts";
import type { LogSink } from "./log-sink.ts";

/** What became of a batch. `refused`: it will never be taken, and is dropped; `tooLarge`: halves may be taken. */
export type SendOutcome = "sent" | "refused" | "tooLarge";

export interface BatchSinkOptions {
  /** Sends one batch. What it throws or rejects with may pass: the batch is sent again, after growing delays. */
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

export interface BatchSinkMetrics {
  /** Lines that wait or are under way. */
  readonly buffered: number;
  readonly sent: number;
  /** Lines that nobody will get: for want of room, refused, or left at the end. */
  readonly dropped: number;
  /** Tries that failed. */
  readonly failures: number;
}

/** A sink that sends lines in batches, and waits for nobody. */
export interface BatchSink extends LogSink {
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
  readonly metrics: BatchSinkMetrics;
}

export const batchSinkDefaults: {
  readonly maxBatch: number;
  readonly maxBuffered: number;
  readonly overflow: "oldest" | "newest";
  readonly delayMs: number;
  readonly timeoutMs: number;
  readonly retryMs: { readonly least: number; readonly most: number };
  readonly closeMs: number;
} = {
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
  checkInteger("batchSink.maxBatch", all.maxBatch, 1, 100_000);
  checkInteger("batchSink.maxBuffered", all.maxBuffered, 1, 10_000_000);
  checkOneOf("batchSink.overflow", all.overflow, ["oldest", "newest"]);
  for (const name of ["delayMs", "timeoutMs", "closeMs"] as const) {
    checkNumber(`batchSink.${name}`, all[name], name === "timeoutMs" ? 1 : 0, 24 * 3_600_000);
  }
  checkOptionNames("batchSink.retryMs", all.retryMs, ["least", "most"]);
  checkNumber("batchSink.retryMs.least", all.retryMs.least, 1, 3_600_000);
  checkNumber("batchSink.retryMs.most", all.retryMs.most, all.retryMs.least, 24 * 3_600_000);
  return new SendingSink(all);
}

type Settings = Required<Omit<BatchSinkOptions, "level">> & Pick<BatchSinkOptions, "level">;

class SendingSink implements BatchSink {
  readonly level?: LogLevel;
  readonly #settings: Settings;
  /** In order; those under way first. */
  #lines: LogEntry[] = [];
  #underWay = 0;
  /** Not told to the other side yet, and since when. */
  #gap: { count: number; readonly entry: LogEntry } | undefined;
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #failuresInRow = 0;
  #isClosed = false;
  readonly #idle = new Set<() => void>();
  #abort = new AbortController();
  #metrics = { sent: 0, dropped: 0, failures: 0 };

  constructor(settings: Settings) {
    this.#settings = settings;
    if (settings.level !== undefined) this.level = settings.level;
  }

  get metrics(): BatchSinkMetrics {
    return { buffered: this.#lines.length, ...this.#metrics };
  }

  write(entry: LogEntry): void {
    const { maxBuffered, maxBatch, overflow, delayMs } = this.#settings;
    if (this.#isClosed) return this.#drop(entry, 1);
    if (this.#lines.length >= maxBuffered) {
      // What is under way may have arrived already.
      const [oldest] = overflow === "oldest" ? this.#lines.splice(this.#underWay, 1) : [];
      this.#drop(oldest ?? entry, 1);
      if (oldest === undefined) return;
    }
    this.#lines.push(entry);
    if (this.#sending !== undefined || this.#failuresInRow > 0) return;
    if (this.#lines.length >= maxBatch) this.#sendNow();
    else this.#timer ??= this.#settings.clock.setTimer(delayMs, () => this.#sendNow());
  }

  async flush({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#lines.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.add(resolve);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    if (signal?.aborted === true) resolve();
    if (this.#sending === undefined) this.#sendNow();
    await promise;
    this.#idle.delete(resolve);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const timeUp = new AbortController();
    const timer = this.#settings.clock.setTimer(this.#settings.closeMs, () => timeUp.abort());
    await this.flush({ signal: timeUp.signal });
    timer.cancel();
    this.#timer?.cancel();
    this.#abort.abort(new Error("the log is closed"));
    await this.#sending;
    const [left] = this.#lines;
    if (left !== undefined) this.#drop(left, this.#lines.length);
    this.#lines = [];
  }

  #sendNow(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  /** Batch after batch, until none waits or one fails. */
  async #send(): Promise<void> {
    let most = this.#settings.maxBatch;
    while (this.#lines.length > 0 && !this.#abort.signal.aborted) {
      this.#underWay = Math.min(most, this.#lines.length);
      const outcome = await this.#tryOnce(this.#lines.slice(0, this.#underWay));
      const count = this.#underWay;
      this.#underWay = 0;
      if (outcome === "failed") return this.#tryLater();
      this.#failuresInRow = 0;
      if (outcome === "tooLarge" && count > 1) {
        most = count >> 1;
        continue;
      }
      const done = this.#lines.splice(0, count);
      if (outcome === "sent") this.#metrics.sent += count;
      else this.#drop(done[0]!, count);
    }
    for (const resolve of this.#idle) resolve();
  }

  async #tryOnce(batch: readonly LogEntry[]): Promise<SendOutcome | "failed"> {
    const { send, timeoutMs, clock } = this.#settings;
    const gap = this.#gap;
    const told = gap?.count ?? 0;
    const lines = gap === undefined ? batch : [{ ...gap.entry, fields: { dropped: told } }, ...batch];
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (reason: unknown): void => {
      controller.abort(reason);
      reject(reason);
    };
    const onClose = (): void => stop(this.#abort.signal.reason);
    this.#abort.signal.addEventListener("abort", onClose, { once: true });
    const timer = clock.setTimer(timeoutMs, () => stop(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const outcome = await Promise.race([send(lines, { signal: controller.signal }), promise]);
      if (outcome === "sent" && gap !== undefined) {
        // More may have been dropped meanwhile: that is another gap.
        if (gap.count === told) this.#gap = undefined;
        else gap.count -= told;
      }
      return outcome;
    } catch {
      this.#metrics.failures++;
      return "failed";
    } finally {
      timer.cancel();
      this.#abort.signal.removeEventListener("abort", onClose);
    }
  }

  #tryLater(): void {
    if (this.#abort.signal.aborted) return;
    const { retryMs, random, clock } = this.#settings;
    const delayMs = Math.min(retryMs.most, retryMs.least * 2 ** Math.min(30, this.#failuresInRow++));
    this.#timer = clock.setTimer(delayMs * (0.5 + random.next() / 2), () => this.#sendNow());
  }

  #drop(first: LogEntry, count: number): void {
    this.#metrics.dropped += count;
    const { at, service } = first;
    this.#gap ??= { count: 0, entry: { at, level: "warn", service, message: "log lines were dropped", fields: {} } };
    this.#gap.count += count;
  }
}
