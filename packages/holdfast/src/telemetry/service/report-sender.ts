import type { Clock, RandomSource, Timer } from "../../runtime/system.ts";
import type { ServiceReport } from "../view/service-report.ts";

/** As much of `fetch` as is used. */
export type PostReport = (
  url: string,
  options: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
    readonly redirect: "error";
  },
) => Promise<{ readonly status: number; readonly text: () => Promise<string> }>;

export interface SenderOptions {
  readonly endpoints: readonly string[];
  readonly token: string | undefined;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly fetch: PostReport;
  /** What there is to say when it is said. */
  readonly report: () => ServiceReport;
}

/** How reporting goes, since the start. */
export interface ReportMetrics {
  readonly sent: number;
  readonly failed: number;
  /** Why the last one failed; null after one that went well. */
  readonly lastError: string | null;
}

const timeoutMs = 2_000;
/** After this, a change is told at once. */
const spacingMs = 400;
const maxBackoffMs = 15_000;
const maxBytes = 250 * 1024;

/** Sends reports to one endpoint after the other; one at a time, never twice the same, nothing is kept for later. */
export class ReportSender {
  readonly #options: SenderOptions;
  readonly #closing = new AbortController();
  #timer: Timer | undefined;
  #isSending = false;
  #isUrgent = false;
  #preferred = 0;
  #failures = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #sent = 0;
  #failed = 0;
  #lastError: string | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
    // Not all instances that start together at once.
    this.#wait(options.random.next() * Math.min(500, options.everyMs));
  }

  get metrics(): ReportMetrics {
    return { sent: this.#sent, failed: this.#failed, lastError: this.#lastError };
  }

  /** Something has changed that people watch: it is not kept for the next report. */
  hurry(): void {
    // Whoever does not answer is not asked more often for it.
    if (this.#failures > 0 || this.#closing.signal.aborted) return;
    if (this.#isSending) this.#isUrgent = true;
    else this.#wait(Math.max(0, this.#lastMs + spacingMs - this.#options.clock.now()));
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#closing.abort(new Error("reporting has ended"));
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(delayMs, () => void this.#send());
  }

  async #send(): Promise<void> {
    const { clock, endpoints, everyMs, random } = this.#options;
    this.#isSending = true;
    this.#isUrgent = false;
    this.#lastMs = clock.now();
    try {
      await this.#post(endpoints[this.#preferred % endpoints.length]!);
      this.#failures = 0;
      this.#sent++;
      this.#lastError = null;
    } catch (error) {
      this.#preferred++;
      this.#failures++;
      this.#failed++;
      this.#lastError = error instanceof Error ? error.message : String(error);
    }
    this.#isSending = false;
    if (this.#closing.signal.aborted) return;
    if (this.#isUrgent && this.#failures === 0) return this.#wait(spacingMs);
    // All endpoints once without a pause, then slower and slower.
    const rounds = Math.floor(this.#failures / endpoints.length);
    const backoffMs = this.#failures === 0 ? everyMs : rounds === 0 ? 50 : everyMs * 2 ** Math.min(rounds - 1, 5);
    this.#wait(Math.min(maxBackoffMs, backoffMs) * (0.8 + 0.4 * random.next()));
  }

  async #post(endpoint: string): Promise<void> {
    const { clock, fetch, token } = this.#options;
    const tooLate = new AbortController();
    const timer = clock.setTimer(timeoutMs, () => tooLate.abort(new Error(`no answer within ${timeoutMs} ms`)));
    const signal = AbortSignal.any([tooLate.signal, this.#closing.signal]);
    try {
      const response = await fetch(`${endpoint}/holdfast/v1/dashboard/services`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: fitting(this.#options.report()),
        signal,
        redirect: "error",
      });
      const text = await response.text();
      if (response.status >= 300) throw new Error(`${endpoint} answers ${response.status}: ${text.slice(0, 300)}`);
    } finally {
      timer.cancel();
    }
  }
}

/** As JSON, with fewer policies where it would be too long for whoever gets it. */
function fitting(report: ServiceReport): string {
  let { policies, omitted } = report;
  for (;;) {
    const text = JSON.stringify({ ...report, policies, omitted });
    // A character may take three bytes, and seldom does: the longest that is sure to fit is tried last.
    if (text.length <= maxBytes / 3 || policies.length === 0 || byteLength(text) <= maxBytes) return text;
    const left = Math.floor(policies.length * 0.8);
    omitted += policies.length - left;
    policies = policies.slice(0, left);
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
