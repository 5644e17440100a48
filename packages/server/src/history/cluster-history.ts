import type { Connections } from "../client/connections.ts";
import { exchange } from "../client/http-exchange.ts";
import { historyDocument, readHistory, type HistoryDocument, type ReadHistory, type Rows } from "./history-answer.ts";
import { stepOf } from "./history-ring.ts";
import { memberRing, type MemberRing } from "./member-history.ts";
import { addToPolicy, PolicyBook } from "./policy-book.ts";

export interface ClusterHistoryOptions {
  /** Where the other members' HTTP is, by name. */
  readonly origins: () => ReadonlyMap<string, string>;
  readonly connections: Connections;
  readonly token: string | undefined;
  /** The member that serves, if it is one, and what it remembers of itself. */
  readonly self?: { readonly name: string; readonly ring: MemberRing } | undefined;
  /** What services have reported here. */
  readonly policies: PolicyBook;
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
}

const timeoutMs = 2_000;
const maxMembers = 100;

/** What all members remember, put together; each is asked for all of it once, and then for what is new. */
export class ClusterHistory {
  readonly policies: PolicyBook = new PolicyBook();
  readonly #options: ClusterHistoryOptions;
  readonly #members = new Map<string, MemberRing>();
  /** Which step of whom comes next. */
  readonly #next = new Map<string, number>();

  constructor(options: ClusterHistoryOptions) {
    this.#options = options;
  }

  get members(): ReadonlyMap<string, MemberRing> {
    return this.#members;
  }

  /** Asks everybody. Who does not answer is asked again the next time, and all of it then. */
  async refresh(): Promise<void> {
    const { self, policies, wallTime } = this.#options;
    // Events of its own go by no name: a supervisor is no member, and takes reports all the same.
    const name = self?.name ?? "";
    const own = historyDocument(stepOf(wallTime()), this.#next.get(name) ?? 0, self?.ring, policies);
    this.#take(name, readHistory(own));
    const others = [...this.#options.origins()].slice(0, maxMembers);
    await Promise.all(others.map(async ([other, origin]) => this.#take(other, await this.#ask(other, origin))));
  }

  async #ask(name: string, origin: string): Promise<ReadHistory | undefined> {
    const { connections, token } = this.#options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const path = `/holdfast/v1/dashboard/history?since=${this.#next.get(name) ?? 0}`;
    const answer = await exchange(connections, { origin, method: "GET", path, headers, timeoutMs });
    if (answer.kind !== "answered" || answer.status !== 200) return undefined;
    try {
      return readHistory(JSON.parse(answer.body) as HistoryDocument);
    } catch {
      return undefined;
    }
  }

  #take(name: string, history: ReadHistory | undefined): void {
    if (history === undefined || (!this.#next.has(name) && this.#next.size > maxMembers)) return;
    const { step, to, member, policies } = history;
    const apart = stepOf(this.#options.wallTime()) - step;
    // By its own clock, moved to where this one stands where they differ; one step apart is how long the answer took.
    const shift = Math.abs(apart) <= 1 ? 0 : apart;
    const since = this.#next.get(name) ?? 0;
    const isNew = ({ step: at }: Rows[number]): boolean => at >= since;
    this.#next.set(name, to + 1);
    const rows = member?.filter(isNew) ?? [];
    if (rows.length > 0) {
      const ring = this.#members.get(name) ?? memberRing();
      this.#members.set(name, ring);
      for (const { step: at, values } of rows) {
        const place = ring.place(at + shift);
        if (place !== undefined) ring.columns.forEach((column, which) => (column[place] = values[which] ?? Number.NaN));
      }
    }
    for (const { name: policyName, rows: all } of policies) {
      const policy = this.policies.find(policyName, to + shift);
      if (policy === undefined) continue;
      for (const { step: at, values } of all) if (at >= since) addToPolicy(policy, at + shift, values);
    }
  }
}
