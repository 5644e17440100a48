import type { Clock, RandomSource, Timer } from "../../runtime/system.ts";
import type { ServiceReport } from "../view/service-report.ts";

/** As much of `fetch` as is used. */
export type PostReport = (
  url: string,
  options: {
    readonly method: "POST" | "DELETE";
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
    readonly redirect: "error";
  },
) => Promise<{
  readonly status: number;
  readonly headers?: { get(name: string): string | null };
  readonly text: () => Promise<string>;
}>;

/** Who is trusted, and who one is: PEM. */
export interface ReportTls {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

/** Whose reports they are. */
export interface ReportingInstance {
  readonly service: string;
  readonly instance: string;
  readonly startedAt: number;
}

export interface SenderOptions {
  readonly endpoints: readonly string[];
  readonly token: string | undefined;
  readonly tls: ReportTls | undefined;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly fetch: PostReport | undefined;
  /** Told once, until a report is taken again. */
  readonly onUnheard: (why: string) => void;
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
/** An instance from which nothing has come for so long is held for silent. */
const maxSpacedMs = 10_000;
const farewellMs = 1_000;
/** So many in a row, and somebody should know. */
const missedReports = 3;
const path = "/holdfast/v1/dashboard/services";
const maxBytes = 250 * 1024;

/** Somebody is there and takes no report of this service as it is. */
class Refusal extends Error {}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Sends reports to one endpoint after the other; one at a time, never twice the same, nothing is kept for later. */
export class ReportSender {
  readonly #options: SenderOptions;
  readonly #closing = new AbortController();
  #fetch: PostReport | undefined;
  #closed: Promise<void> | undefined;
  #hasWarned = false;
  /** Asked for by whoever takes them, while nobody looks at them. */
  #spacedMs = 0;
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
    this.#fetch = options.fetch;
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

  /** Takes leave of whoever has heard of it. Idempotent. */
  close(from: ReportingInstance): Promise<void> {
    this.#closed ??= this.#leave(from);
    return this.#closed;
  }

  async #leave({ service, instance, startedAt }: ReportingInstance): Promise<void> {
    this.#timer?.cancel();
    this.#closing.abort(new Error("reporting has ended"));
    // Whom nobody has heard need not take leave.
    if (this.#sent === 0) return;
    const name = `${encodeURIComponent(service)}/${encodeURIComponent(instance)}?startedAt=${startedAt}`;
    try {
      await this.#ask("DELETE", `${this.#endpoint()}${path}/${name}`, undefined, farewellMs);
    } catch {
      // Then it is held for silent.
    }
  }

  #endpoint(): string {
    const { endpoints } = this.#options;
    return endpoints[this.#preferred % endpoints.length]!;
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
      await this.#post(this.#endpoint());
      this.#failures = 0;
      this.#sent++;
      this.#lastError = null;
      this.#hasWarned = false;
    } catch (error) {
      this.#preferred++;
      this.#failures++;
      this.#failed++;
      this.#lastError = reasonOf(error);
      // What is refused will be so again; who is not there may be starting.
      const enough = Math.max(endpoints.length, error instanceof Refusal ? 1 : missedReports);
      if (!this.#closing.signal.aborted && this.#failures >= enough) this.#warn(this.#lastError);
    }
    this.#isSending = false;
    if (this.#closing.signal.aborted) return;
    if (this.#isUrgent && this.#failures === 0) return this.#wait(spacingMs);
    // All endpoints once without a pause, then slower and slower.
    const rounds = Math.floor(this.#failures / endpoints.length);
    const backoffMs =
      this.#failures === 0
        ? Math.max(everyMs, this.#spacedMs)
        : rounds === 0
          ? 50
          : everyMs * 2 ** Math.min(rounds - 1, 5);
    this.#wait(Math.min(maxBackoffMs, backoffMs) * (0.8 + 0.4 * random.next()));
  }

  #warn(why: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    try {
      this.#options.onUnheard(why);
    } catch {
      // Reporting goes on, whatever whoever is told does.
    }
  }

  async #post(endpoint: string): Promise<void> {
    // Read first: what the service's own readers throw is nobody's answer.
    const body = fitting(this.#options.report());
    const { headers } = await this.#ask("POST", `${endpoint}${path}`, body, timeoutMs);
    const spacedMs = Number(headers?.get("holdfast-next-ms") ?? 0);
    this.#spacedMs = spacedMs > 0 ? Math.min(maxSpacedMs, spacedMs) : 0;
  }

  /** @throws Error for anything but a success */
  async #ask(
    method: "POST" | "DELETE",
    url: string,
    body: string | undefined,
    withinMs: number,
  ): Promise<Awaited<ReturnType<PostReport>>> {
    const { clock, token } = this.#options;
    const tooLate = new AbortController();
    const timer = clock.setTimer(withinMs, () => tooLate.abort(new Error(`no answer within ${withinMs} ms`)));
    const isReport = body !== undefined;
    const signal = isReport ? AbortSignal.any([tooLate.signal, this.#closing.signal]) : tooLate.signal;
    try {
      const fetch = (this.#fetch ??= await this.#openFetch());
      const response = await fetch(url, {
        method,
        headers: {
          ...(isReport ? { "content-type": "application/json" } : {}),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(isReport ? { body } : {}),
        signal,
        redirect: "error",
      });
      const text = await response.text();
      if (response.status < 300) return response;
      const answer = `${new URL(url).origin} answers ${response.status}: ${detailOf(text)}`;
      throw isRefusal(response.status) ? new Refusal(answer) : new Error(answer);
    } finally {
      timer.cancel();
    }
  }

  async #openFetch(): Promise<PostReport> {
    const { tls } = this.#options;
    if (tls === undefined) return (url, given) => globalThis.fetch(url, given);
    // Sockets are loaded only where they are asked for.
    const { fetchOverTls } = await import("../../runtime/index.ts");
    return fetchOverTls(tls);
  }
}

/** With what caused it: the platform's own says no more than that fetch failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message.trim();
  const { code = "", message } = cause as Error & { readonly code?: string };
  return `${error.message}: ${message === "" ? code : message}`.trim();
}

/** What a problem document says. */
function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown };
    if (typeof detail === "string") return detail.slice(0, 300);
  } catch {
    // Somebody else has answered.
  }
  return text.slice(0, 300);
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
