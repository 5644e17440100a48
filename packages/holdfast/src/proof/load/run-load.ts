import { OperationTimeoutError } from "../../errors/index.ts";
import type { Timer } from "../../runtime/index.ts";
import { arrivals, wholeRun, type Arrivals } from "./arrivals.ts";
import { ActiveCall } from "./active-call.ts";
import { checkLoadOptions, type LoadOptions, type LoadSettings } from "./load-options.ts";
import type { LoadReport } from "./load-report.ts";
import { LoadTally } from "./load-tally.ts";

/** Load on its way. */
export interface LoadRun {
  /** Resolves when the last operation has ended, or was given up on. Rejects only with the reason of `signal`. */
  readonly finished: Promise<LoadReport>;
  /** Operations under way. */
  readonly inFlight: number;
  /** Offers nothing more: the report is of what has been until now. */
  stop(): void;
}

/**
 * Calls an operation as users would, and tells how long they wait.
 *
 * In an open loop operations come due at a rate, and latency counts from when each was due. So a service that stalls is
 * charged for everybody who would have come meanwhile, and a late timer hides nothing ("coordinated omission": G. Tene,
 * "How NOT to Measure Latency"). What one timer finds due is started together.
 *
 * @throws InvalidArgumentError naming the option that breaks its rule
 * @example
 * const report = await runLoad({
 *   clock: runtime.clock,
 *   random: runtime.random,
 *   operation: ({ signal }) => cluster.put({ key, value }, { signal }),
 *   ratePerSecond: 1_000,
 *   durationMs: 10_000,
 *   timeoutMs: 2_000,
 * });
 * report.latency.p99Ms;
 */
export function runLoad(options: LoadOptions): Promise<LoadReport> {
  return startLoad(options).finished;
}

/** As `runLoad`, for who decides later when it is over. @throws InvalidArgumentError */
export function startLoad(options: LoadOptions): LoadRun {
  return new Run(checkLoadOptions(options));
}

class Run implements LoadRun {
  readonly finished: Promise<LoadReport>;
  readonly #settings: LoadSettings;
  readonly #tally: LoadTally;
  readonly #calls = new Set<ActiveCall>();
  readonly #beginMs: number;
  readonly #fromMs: number;
  /** Aborted when nothing more is offered, and when nothing is left to wait for. */
  readonly #offering = new AbortController();
  readonly #draining = new AbortController();
  #untilMs: number;
  #sequence = 0;
  #offers = 0;
  #arrivals: Arrivals = { next: () => Infinity };
  #nextMs = Infinity;
  #timer: Timer | undefined;

  constructor(settings: LoadSettings) {
    const { clock, warmUpMs, durationMs } = settings;
    this.#settings = settings;
    this.#beginMs = clock.now();
    this.#fromMs = this.#beginMs + warmUpMs;
    this.#untilMs = this.#fromMs + durationMs;
    this.#tally = new LoadTally(settings, this.#fromMs);
    this.finished = this.#run();
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  stop(): void {
    if (this.#offering.signal.aborted) return;
    this.#untilMs = Math.max(this.#fromMs, Math.min(this.#untilMs, this.#settings.clock.now()));
    this.#endOffering();
  }

  async #run(): Promise<LoadReport> {
    const { clock, signal, mode, drainMs } = this.#settings;
    signal?.throwIfAborted();
    const onAbort = (): void => {
      this.#endOffering();
      this.#draining.abort();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (mode === "open") this.#beginArrivals();
      else this.#beginClients();
      // Waiting keeps the process alive, which the timers of arrivals do not.
      await this.#sleep(Math.max(0, this.#untilMs - clock.now()), this.#offering.signal);
      // What is due before the end though its timer is not: timers and sleeps have a grain.
      if (!this.#offering.signal.aborted) this.#startDue(this.#untilMs);
      this.#endOffering();
      if (this.#calls.size > 0) await this.#sleep(drainMs, this.#draining.signal);
      this.#draining.abort();
      for (const call of this.#calls) call.abandon(signal?.reason);
      signal?.throwIfAborted();
      return this.#tally.report(mode, this.#untilMs);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #endOffering(): void {
    this.#timer?.cancel();
    this.#offering.abort();
  }

  async #sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    await this.#settings.clock.sleep(delayMs, { signal }).catch(() => undefined);
  }

  #beginArrivals(): void {
    const { random, arrivals: spacing, stages, warmUpMs, durationMs } = this.#settings;
    const whole = wholeRun(stages, { warmUpMs, durationMs });
    this.#arrivals = arrivals(whole, { spacing, random: random.fork("arrivals") });
    this.#nextMs = this.#beginMs + this.#arrivals.next();
    this.#startDue(this.#beginMs);
  }

  /** Starts all that is due, then sets the timer for what comes next. */
  #startDue(nowMs: number): void {
    const { clock, clients } = this.#settings;
    // What has come due meanwhile waits for the next turn: answers that have arrived go first.
    while (this.#nextMs <= nowMs && this.#nextMs < this.#untilMs) {
      const intendedMs = this.#nextMs;
      this.#nextMs = this.#beginMs + this.#arrivals.next();
      this.#offer(intendedMs, this.#offers++ % clients);
      // The operation may have stopped the run.
      if (this.#offering.signal.aborted) return;
    }
    if (this.#nextMs >= this.#untilMs) return;
    this.#timer = clock.setTimer(Math.max(0, this.#nextMs - clock.now()), () => this.#startDue(clock.now()));
  }

  #offer(intendedMs: number, client: number): void {
    const { clock, maxInFlight } = this.#settings;
    const isMeasured = intendedMs >= this.#fromMs;
    const isDropped = this.#calls.size >= maxInFlight;
    if (isMeasured) this.#tally.offered(clock.now());
    if (isDropped && isMeasured) this.#tally.dropped();
    if (!isDropped) void this.#start(intendedMs, client);
  }

  #beginClients(): void {
    for (let client = 0; client < this.#settings.clients; client++) void this.#client(client);
  }

  /** One user of a closed loop. */
  async #client(client: number): Promise<void> {
    const { clock, thinkTimeMs } = this.#settings;
    const { signal } = this.#offering;
    let turnMs = clock.now();
    while (!signal.aborted && clock.now() < this.#untilMs) {
      const startedMs = clock.now();
      if (startedMs >= this.#fromMs) this.#tally.offered(startedMs);
      await this.#start(startedMs, client);
      const nowMs = clock.now();
      if (thinkTimeMs > 0) await this.#sleep(thinkTimeMs, signal);
      // An operation without a wait in it would keep timers and everybody else from going on.
      else if (nowMs === startedMs) await this.#sleep(0, signal);
      else if (nowMs - turnMs >= longestTurnMs) {
        await new Promise<void>((resolve) => clock.defer(resolve));
        turnMs = clock.now();
      }
    }
  }

  /** Resolves when the operation has ended, however it did. */
  #start(intendedMs: number, client: number): Promise<void> {
    const { clock, operation, timeoutMs } = this.#settings;
    const startedMs = clock.now();
    const isMeasured = intendedMs >= this.#fromMs;
    if (isMeasured) this.#tally.started(startedMs - intendedMs);
    return new Promise((resolve) => {
      const call = new ActiveCall({ sequence: this.#sequence++, client, intendedMs, startedMs }, (failure) => {
        this.#calls.delete(call);
        timer?.cancel();
        // What was given up on counts as unfinished.
        if (isMeasured && !this.#draining.signal.aborted) {
          if (failure === undefined) this.#tally.succeeded(call, clock.now());
          else this.#tally.failed(call, clock.now(), failure.error);
        }
        if (this.#calls.size === 0 && this.#offering.signal.aborted) this.#draining.abort();
        resolve();
      });
      this.#calls.add(call);
      const timer =
        timeoutMs === Infinity
          ? undefined
          : clock.setTimer(timeoutMs, () => call.abandon(timeout(call.name, timeoutMs)));
      void call.run(operation);
    });
  }
}

/** How long one client of a closed loop may go on without letting others have their turn. */
const longestTurnMs = 5;

function timeout(operation: string, timeoutMs: number): OperationTimeoutError {
  return new OperationTimeoutError(`no answer within ${timeoutMs} ms`, { operation, timeoutMs });
}
