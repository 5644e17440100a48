import type { Connections } from "../client/connections.ts";
import { exchange } from "../client/http-exchange.ts";
import { readMembers, readReports, readStatus, type ToldReports } from "./member-answers.ts";
import type { MemberPresence, MemberWord } from "./member-word.ts";

export interface MemberPollOptions {
  readonly name: string;
  /** Of its HTTP port. */
  readonly origin: string;
  readonly connections: Connections;
  /** For its dashboard. */
  readonly token: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** When something else was said, or nothing any more. */
  readonly onWord: () => void;
  readonly onReports: (reports: ToldReports) => void;
}

const spacingMs = 80;

/** Asks one member again and again how it is, whom it sees, and what services have told it. */
export class MemberPoll {
  readonly origin: string;
  readonly #options: MemberPollOptions;
  #word: MemberWord | undefined;
  #sinceMs: number | undefined;
  #wasAsked = false;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isClosed = false;
  #reportsVersion = -1;

  constructor(options: MemberPollOptions) {
    this.#options = options;
    this.origin = options.origin;
    void this.#round();
  }

  /** Whether it has answered once, or had the time to. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  presence(): MemberPresence {
    return { word: this.#word, sinceMs: this.#sinceMs };
  }

  /** Asks at once, unless that was just done. */
  hurry(): void {
    if (this.#isAsking || this.#isClosed || performance.now() - this.#startedMs < spacingMs) return;
    clearTimeout(this.#timer);
    void this.#round();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    this.#isAsking = true;
    const startedMs = (this.#startedMs = performance.now());
    const [status, gossip] = await Promise.all([
      this.#read("/holdfast/v1/status", readStatus),
      this.#read("/holdfast/v1/members", readMembers),
    ]);
    // Another process may have taken the port of a member that is gone.
    const own = status?.member.name === this.#options.name ? status : undefined;
    if (own !== undefined && !this.#isClosed) void this.#readReports();
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#hear(own && { status: own, gossip });
    const { intervalMs } = this.#options;
    this.#timer = setTimeout(() => void this.#round(), Math.max(20, intervalMs - (performance.now() - startedMs)));
  }

  #hear(word: MemberWord | undefined): void {
    if (this.#wasAsked && (word === undefined) !== (this.#word === undefined)) this.#sinceMs = performance.now();
    this.#wasAsked = true;
    this.#word = word;
    this.#options.onWord();
  }

  async #readReports(): Promise<void> {
    const path = `/holdfast/v1/dashboard/services?since=${this.#reportsVersion}`;
    const answer = await this.#read(path, readReports);
    if (answer === undefined || this.#isClosed) return;
    this.#reportsVersion = answer.version;
    this.#options.onReports(answer);
  }

  async #read<T>(path: string, reader: (value: unknown) => T | undefined): Promise<T | undefined> {
    const { connections, timeoutMs, token, origin } = this.#options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await exchange(connections, { origin, method: "GET", path, headers, timeoutMs });
    if (answer.kind !== "answered" || answer.status !== 200) return undefined;
    try {
      return reader(JSON.parse(answer.body));
    } catch {
      return undefined;
    }
  }
}
