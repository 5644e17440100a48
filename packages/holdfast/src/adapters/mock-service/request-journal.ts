import type { IncomingHttpHeaders } from "node:http";
import { checkInteger, checkNumber, checkOptionNames, HoldfastError, InvalidArgumentError } from "../../errors/base.ts";
import type { Clock } from "../../runtime/index.ts";
import type { JournaledRequest } from "./journaled-request.ts";
import { compileMatcher, type RequestMatcher } from "./request-filter.ts";

export interface JournalOptions {
  /** The oldest is forgotten first. Default 1 000. */
  readonly maxEntries?: number;
  /** Kept of each body. Default 16 KiB. */
  readonly maxBodyBytes?: number;
  /** Headers that are not shown, beside those that are known to be secret. */
  readonly redact?: readonly string[];
}

export const defaultJournalOptions: { readonly maxEntries: number; readonly maxBodyBytes: number } = {
  maxEntries: 1_000,
  maxBodyBytes: 16 * 1024,
};

export interface WaitOptions {
  /** Default 5 000. */
  readonly timeoutMs?: number;
  /** How many must be there. Default 1. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

/** What has come in. */
export interface MockJournal {
  /** Oldest first. */
  readonly entries: readonly JournaledRequest[];
  /** How many were forgotten because there were too many. */
  readonly forgotten: number;
  /**
   * Resolves with the request that makes it so many, also when it is there already: looks when one has come in whole, when
   * its route and faults are known, and at its end.
   *
   * @throws InvalidArgumentError; HoldfastError `TIMED_OUT` that tells what came instead
   */
  waitFor(matcher: RequestMatcher, options?: WaitOptions): Promise<JournaledRequest>;
  clear(): void;
}

const secret = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];
const maxWaiters = 1_000;
const shownInMessage = 10;

type Waiter = () => void;

/** Bounded: in number, and in what it keeps of each. */
export class RequestJournal implements MockJournal {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #maxBodyBytes: number;
  readonly #secret: ReadonlySet<string>;
  readonly #waiters = new Set<Waiter>();
  #entries: JournaledRequest[] = [];
  #lastId = 0;
  forgotten = 0;

  /** @throws InvalidArgumentError */
  constructor(clock: Clock, options: JournalOptions) {
    const at = "mockService.journal";
    checkOptionNames(at, options, [...Object.keys(defaultJournalOptions), "redact"]);
    const given = { ...defaultJournalOptions, ...options };
    this.#clock = clock;
    this.#maxEntries = checkInteger(`${at}.maxEntries`, given.maxEntries, 1, 1_000_000);
    this.#maxBodyBytes = checkInteger(`${at}.maxBodyBytes`, given.maxBodyBytes, 0, 1e9);
    const redact: unknown = options.redact ?? [];
    if (!Array.isArray(redact) || redact.some((name) => typeof name !== "string")) {
      throw new InvalidArgumentError(`${at}.redact`, "must be a list of names", redact);
    }
    this.#secret = new Set([...secret, ...(redact as readonly string[]).map((name) => name.toLowerCase())]);
  }

  get entries(): readonly JournaledRequest[] {
    return [...this.#entries];
  }

  /** A request whose headers have come; it is not in the journal yet. */
  begin(start: Pick<JournaledRequest, "method" | "path" | "query">, headers: IncomingHttpHeaders): JournaledRequest {
    const shown = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, this.#secret.has(name) ? "[redacted]" : value] as const],
    );
    return {
      id: ++this.#lastId,
      ...start,
      headers: Object.fromEntries(shown),
      body: "",
      bodyBytes: 0,
      isBodyCut: false,
      route: null,
      params: {},
      faults: [],
      status: null,
      error: null,
      receivedAt: this.#clock.wallTime(),
      durationMs: null,
      outcome: "pending",
    };
  }

  /** It has come in whole, or will not. */
  add(entry: JournaledRequest): void {
    this.#entries.push(entry);
    if (this.#entries.length > this.#maxEntries) {
      this.#entries.shift();
      this.forgotten++;
    }
    for (const look of this.#waiters) look();
  }

  /** What is to be kept of a body. */
  keep(body: Uint8Array): Pick<JournaledRequest, "body" | "bodyBytes" | "isBodyCut"> {
    const kept = body.subarray(0, this.#maxBodyBytes);
    return {
      body: new TextDecoder().decode(kept),
      bodyBytes: body.length,
      isBodyCut: kept.length < body.length,
    };
  }

  /** Puts what has become of a request in the place of what was known before, and tells those who wait. */
  update(entry: JournaledRequest): void {
    // The newest are the last; most changes are to them.
    const at = this.#entries.findLastIndex(({ id }) => id === entry.id);
    if (at < 0) return;
    this.#entries[at] = entry;
    for (const look of this.#waiters) look();
  }

  async waitFor(matcher: RequestMatcher, options: WaitOptions = {}): Promise<JournaledRequest> {
    checkOptionNames("waitFor", options, ["timeoutMs", "count", "signal"]);
    const { signal } = options;
    const timeoutMs = checkNumber("waitFor.timeoutMs", options.timeoutMs ?? 5_000, 0);
    const count = checkInteger("waitFor.count", options.count ?? 1, 1, this.#maxEntries);
    const matches = compileMatcher("waitFor", matcher);
    if (this.#waiters.size >= maxWaiters)
      throw new InvalidArgumentError("waitFor", "is under way too often", maxWaiters);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(timeoutMs, () => finish(() => reject(this.#timedOut(timeoutMs))));
      const onAbort = (): void => finish(() => reject(signal?.reason));
      const finish = (settle: () => void): void => {
        timer.cancel();
        this.#waiters.delete(look);
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const look = (): void => {
        try {
          const found = this.#entries.filter(matches)[count - 1];
          if (found !== undefined) finish(() => resolve(found));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      this.#waiters.add(look);
      if (signal?.aborted === true) onAbort();
      else {
        signal?.addEventListener("abort", onAbort, { once: true });
        look();
      }
    });
  }

  clear(): void {
    this.#entries = [];
    this.forgotten = 0;
  }

  #timedOut(timeoutMs: number): HoldfastError {
    const came = this.#entries
      .slice(-shownInMessage)
      .map(({ method, path, status, outcome }) => `${method} ${path} ${status ?? outcome}`);
    const others =
      came.length === 0 ? "none came" : `of ${this.#entries.length} requests the last are ${came.join(", ")}`;
    return new HoldfastError(`no such request within ${timeoutMs} ms; ${others}`, {
      code: "TIMED_OUT",
      kind: "timeout",
      retryable: true,
    });
  }
}
