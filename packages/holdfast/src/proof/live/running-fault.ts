import type { Clock, Timer } from "../../runtime/system.ts";
import type { JournalEntry } from "./fault-journal.ts";
import type { LiveFault, LiveFaultState, RemovalReason } from "./live-fault.ts";
import { LiveFaultError } from "./live-fault-error.ts";
import type { StruckTarget } from "./struck-target.ts";

export interface RunningFaultOptions {
  readonly order: JournalEntry;
  readonly target: StruckTarget;
  readonly clock: Pick<Clock, "setTimer">;
  readonly retryMs: number;
  /** Whether it goes on already: a crash has left it. */
  readonly isLeft: boolean;
  /** Called once, when all of it is there. */
  readonly onBegun: (fault: JournalEntry) => void;
  /** Called once, when nothing of it is left. */
  readonly onGone: (last: LiveFault, hadBegun: boolean) => void;
}

const maxRetryMs = 30_000;

/** One fault from its first moment to its last. */
export class RunningFault {
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<LiveFault>;
  readonly #options: RunningFaultOptions;
  #order: JournalEntry;
  #state: LiveFaultState = "starting";
  #reason: RemovalReason | null = null;
  #error: string | null = null;
  #struck: number | null = null;
  #timer: Timer | undefined;
  /** Whether there may be something to take back. */
  #mayBeThere: boolean;
  #hasBegun: boolean;
  #isGivenUp = false;
  #retryMs: number;
  #resolve: (last: LiveFault) => void = () => undefined;

  constructor(options: RunningFaultOptions) {
    this.#options = options;
    this.#order = options.order;
    this.#mayBeThere = this.#hasBegun = options.isLeft;
    this.#retryMs = options.retryMs;
    this.gone = new Promise((resolve) => (this.#resolve = resolve));
  }

  get order(): JournalEntry {
    return this.#order;
  }

  get state(): LiveFaultState {
    return this.#state;
  }

  snapshot(): LiveFault {
    const { id, target, kind, parameters, durationMs, startedAt } = this.#order;
    const struck = this.#state === "removed" ? this.#struck : this.#countStrikes();
    const own = { state: this.#state, struck, reason: this.#reason, error: this.#error };
    return { id, target, kind, parameters, durationMs, startedAt, ...own };
  }

  /** @throws LiveFaultError `FAULT_FAILED`, after what had begun was taken back */
  async begin(): Promise<void> {
    const { target, clock } = this.#options;
    try {
      await target.inTurn(async () => {
        // Ended before its turn came.
        if (this.#reason !== null) return;
        await target.begin(this.#order, (entry) => {
          this.#order = entry;
          this.#mayBeThere = true;
        });
        this.#hasBegun = true;
        this.#options.onBegun(this.#order);
      });
    } catch (error) {
      await this.end("failed");
      const { id, kind } = this.#order;
      const message = error instanceof Error ? error.message : String(error);
      throw new LiveFaultError("FAULT_FAILED", `${id}: ${kind} could not begin: ${message}`, { cause: error });
    }
    // Whoever ended it meanwhile waits for the next turn.
    if (this.#reason !== null) return;
    this.#state = "active";
    this.#timer = clock.setTimer(this.#order.durationMs, () => void this.end("expired"));
  }

  /** Takes it back. Never rejects: what fails is tried again later, and the state says so. */
  async end(reason: RemovalReason): Promise<void> {
    if (this.#state === "removed") return;
    // The first reason counts, however often somebody asks.
    this.#reason ??= reason;
    this.#timer?.cancel();
    const { target } = this.#options;
    await target.inTurn(async () => {
      if (this.state === "removed") return;
      this.#state = "removing";
      this.#struck = this.#countStrikes();
      try {
        if (this.#mayBeThere) await target.end(this.#order);
      } catch (error) {
        this.#stuck(error);
        return;
      }
      // Some know it only now, and others no longer.
      this.#struck = this.#countStrikes() || this.#struck;
      this.#state = "removed";
      this.#error = null;
      const last = this.snapshot();
      this.#options.onGone(last, this.#hasBegun);
      this.#resolve(last);
    });
  }

  /** Tries no more: the journal keeps what is left. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#timer?.cancel();
  }

  #stuck(error: unknown): void {
    this.#state = "stuck";
    this.#error = error instanceof Error ? error.message : String(error);
    if (this.#isGivenUp) return;
    this.#timer = this.#options.clock.setTimer(this.#retryMs, () => void this.end("removed"));
    this.#retryMs = Math.min(this.#retryMs * 2, maxRetryMs);
  }

  #countStrikes(): number | null {
    return this.#options.target.target.struck?.(this.#order.id) ?? null;
  }
}
