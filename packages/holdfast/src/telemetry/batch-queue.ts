import { checkInteger, checkNumber, checkOneOf, checkOptionNames } from "../errors/base.ts";
import type { Clock, RandomSource, Timer } from "../runtime/system.ts";

/** What became of a batch. `refused`: it will never be taken, and is dropped; `tooLarge`: halves may be taken. */
export type SendOutcome = "sent" | "refused" | "tooLarge";

export interface BatchRules {
  readonly maxBatch: number;
  readonly maxBuffered: number;
  readonly overflow: "oldest" | "newest";
  readonly delayMs: number;
  readonly timeoutMs: number;
  readonly retryMs: { readonly least: number; readonly most: number };
  readonly closeMs: number;
}

export interface BatchMetrics {
  /** What waits or is under way. */
  readonly buffered: number;
  readonly sent: number;
  /** What nobody will get: for want of room, refused, or left at the end. */
  readonly dropped: number;
  /** Tries that failed. */
  readonly failures: number;
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkBatchRules(name: string, rules: BatchRules): void {
  checkInteger(`${name}.maxBatch`, rules.maxBatch, 1, 100_000);
  checkInteger(`${name}.maxBuffered`, rules.maxBuffered, 1, 10_000_000);
  checkOneOf(`${name}.overflow`, rules.overflow, ["oldest", "newest"]);
  for (const option of ["delayMs", "timeoutMs", "closeMs"] as const) {
    checkNumber(`${name}.${option}`, rules[option], option === "timeoutMs" ? 1 : 0, 24 * 3_600_000);
  }
  checkOptionNames(`${name}.retryMs`, rules.retryMs, ["least", "most"]);
  checkNumber(`${name}.retryMs.least`, rules.retryMs.least, 1, 3_600_000);
  checkNumber(`${name}.retryMs.most`, rules.retryMs.most, rules.retryMs.least, 24 * 3_600_000);
}

interface BatchQueueOptions<Item> extends BatchRules {
  readonly send: (batch: readonly Item[], context: { readonly signal: AbortSignal }) => Promise<SendOutcome>;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Is told of what nobody will get: how many, and the first of them. */
  readonly onDrop?: (first: Item, count: number) => void;
}

/** Things that go somewhere in batches, kept up to a bound while they cannot, and counted beyond it. */
export class BatchQueue<Item> {
  readonly #settings: BatchQueueOptions<Item>;
  /** In order; those under way first. */
  #items: Item[] = [];
  #underWay = 0;
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #failuresInRow = 0;
  /** The other side has said that it wants nothing before. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #closed: Promise<void> | undefined;
  /** Who waits until so many of the first are gone. */
  readonly #waiting = new Set<{ first: number; readonly resolve: () => void }>();
  #abort = new AbortController();
  #metrics = { sent: 0, dropped: 0, failures: 0 };

  constructor(settings: BatchQueueOptions<Item>) {
    this.#settings = settings;
  }

  get metrics(): BatchMetrics {
    return { buffered: this.#items.length, ...this.#metrics };
  }

  write(item: Item): void {
    const { maxBuffered, maxBatch, overflow, delayMs } = this.#settings;
    if (this.#closed !== undefined) return this.#drop(item, 1);
    if (this.#items.length >= maxBuffered) {
      // What is under way may have arrived already.
      const hasOldest = overflow === "oldest" && this.#underWay < this.#items.length;
      this.#drop(hasOldest ? this.#remove(this.#underWay, 1)[0]! : item, 1);
      if (!hasOldest) return;
    }
    this.#items.push(item);
    if (this.#sending !== undefined || this.#failuresInRow > 0) return;
    if (this.#items.length >= maxBatch) this.#sendNow();
    else this.#timer ??= this.#settings.clock.setTimer(delayMs, () => this.#sendNow());
  }

  async flush({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#items.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    // What others write meanwhile is not waited for: there may be no end to it.
    const waiting = { first: this.#items.length, resolve };
    const giveUp = (): void => resolve();
    this.#waiting.add(waiting);
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted === true) giveUp();
    const mayTry = this.#closed !== undefined || this.#settings.clock.now() >= this.#notBefore;
    if (this.#sending === undefined && mayTry) this.#sendNow();
    await promise;
    signal?.removeEventListener("abort", giveUp);
    this.#waiting.delete(waiting);
  }

  /** Idempotent. */
  close(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    const { promise, resolve } = Promise.withResolvers<void>();
    // From here on nothing is taken.
    this.#closed = promise;
    void this.#close().then(resolve);
    return promise;
  }

  async #close(): Promise<void> {
    const timeUp = new AbortController();
    const timer = this.#settings.clock.setTimer(this.#settings.closeMs, () => timeUp.abort());
    await this.flush({ signal: timeUp.signal });
    timer.cancel();
    this.#timer?.cancel();
    this.#abort.abort(new Error("closed"));
    await this.#sending;
    const left = this.#remove(0, this.#items.length);
    if (left.length > 0) this.#drop(left[0]!, left.length);
  }

  #sendNow(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      // Written after the last look, by whoever was told in between.
      if (this.#items.length > 0 && this.#failuresInRow === 0 && this.#closed === undefined) {
        this.#timer ??= this.#settings.clock.setTimer(this.#settings.delayMs, () => this.#sendNow());
      }
    });
  }

  /** Batch after batch, until none waits or one fails. */
  async #send(): Promise<void> {
    let most = this.#settings.maxBatch;
    while (this.#items.length > 0 && !this.#abort.signal.aborted) {
      this.#underWay = Math.min(most, this.#items.length);
      const outcome = await this.#tryOnce(this.#items.slice(0, this.#underWay));
      const count = this.#underWay;
      this.#underWay = 0;
      if (outcome === "failed") return this.#tryLater();
      this.#failuresInRow = 0;
      if (outcome === "tooLarge" && count > 1) {
        most = count >> 1;
        continue;
      }
      if (outcome === "sent") this.#metrics.sent += count;
      const done = this.#remove(0, count);
      if (outcome !== "sent") this.#drop(done[0]!, count);
    }
  }

  #remove(at: number, count: number): readonly Item[] {
    const removed = this.#items.splice(at, count);
    for (const waiting of this.#waiting) {
      waiting.first -= Math.max(0, Math.min(waiting.first, at + count) - at);
      if (waiting.first === 0) waiting.resolve();
    }
    return removed;
  }

  async #tryOnce(batch: readonly Item[]): Promise<SendOutcome | "failed"> {
    const { send, timeoutMs, clock } = this.#settings;
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
      return await Promise.race([send(batch, { signal: controller.signal }), promise]);
    } catch (error) {
      this.#metrics.failures++;
      this.#notBefore = clock.now() + askedDelayMs(error);
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
    const askedMs = this.#notBefore - clock.now();
    this.#timer = clock.setTimer(Math.max(askedMs, delayMs * (0.5 + random.next() / 2)), () => this.#sendNow());
  }

  #drop(first: Item, count: number): void {
    this.#metrics.dropped += count;
    this.#settings.onDrop?.(first, count);
  }
}

/** Whoever is asked to come back tomorrow comes sooner: what waits here may not wait for that long. */
const maxAskedMs = 300_000;

/** What the other side has asked for, where the error says so: `retryAfterMs`. */
function askedDelayMs(error: unknown): number {
  const asked = typeof error === "object" && error !== null ? (error as { retryAfterMs?: unknown }).retryAfterMs : 0;
  return typeof asked === "number" && asked > 0 ? Math.min(asked, maxAskedMs) : 0;
}
