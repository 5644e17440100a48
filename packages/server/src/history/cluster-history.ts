import { setImmediate as breath } from "node:timers/promises";
import type { Connections } from "../client/connections.ts";
import { exchange } from "../client/http-exchange.ts";
import { historyDocument, readHistory, type ReadHistory, type Rows } from "./history-answer.ts";
import { historySteps, stepOf } from "./history-ring.ts";
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
const policiesAtOnce = 20;

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
    // A supervisor is no member and has no name here, and takes reports all the same.
    const name = self?.name ?? "";
    const own = historyDocument(stepOf(wallTime()), this.#next.get(name) ?? 0, self?.ring, policies);
    await this.#take(name, readHistory(own));
    const others = [...this.#options.origins()].slice(0, maxMembers);
    this.#forget(new Set([name, ...others.map(([other]) => other)]));
    await Promise.all(others.map(async ([other, origin]) => await this.#take(other, await this.#ask(other, origin))));
  }

  /** Those of whom nobody remembers anything. */
  #forget(present: ReadonlySet<string>): void {
    const oldest = stepOf(this.#options.wallTime()) - historySteps;
    this.policies.forget(oldest);
    for (const name of this.#next.keys()) {
      if (present.has(name) || (this.#members.get(name)?.last ?? 0) > oldest) continue;
      this.#members.delete(name);
      this.#next.delete(name);
    }
  }

  async #ask(name: string, origin: string): Promise<ReadHistory | undefined> {
    const { connections, token } = this.#options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const path = `/holdfast/v1/dashboard/history?since=${this.#next.get(name) ?? 0}`;
    const answer = await exchange(connections, { origin, method: "GET", path, headers, timeoutMs });
    if (answer.kind !== "answered" || answer.status !== 200) return undefined;
    try {
      return readHistory(JSON.parse(answer.body));
    } catch {
      return undefined;
    }
  }

  async #take(name: string, history: ReadHistory | undefined): Promise<void> {
    if (history === undefined || (!this.#next.has(name) && this.#next.size > maxMembers)) return;
    const { step, to, member, policies } = history;
    const apart = stepOf(this.#options.wallTime()) - step;
    // By its own clock, moved to where this one stands where they differ; one step apart is how long the answer took.
    const shift = Math.abs(apart) <= 1 ? 0 : apart;
    const since = this.#next.get(name) ?? 0;
    this.#next.set(name, to + 1);
    if (member !== undefined) {
      const ring = this.#members.get(name) ?? memberRing();
      this.#members.set(name, ring);
      each(member, since, (at, values) => {
        const place = ring.place(at + shift);
        if (place !== undefined) ring.columns.forEach((column, which) => (column[place] = values[which]!));
      });
    }
    for (const [at, { name: policyName, rows }] of policies.entries()) {
      // Members must hear each other meanwhile.
      if (at % policiesAtOnce === policiesAtOnce - 1) await breath();
      const policy = this.policies.find(policyName, to + shift);
      if (policy !== undefined) each(rows, since, (from, values) => addToPolicy(policy, from + shift, values));
    }
  }
}

/** The steps from one on; `values` are another's with the next step. */
function each(
  { from, length, columns }: Rows,
  since: number,
  take: (step: number, values: readonly number[]) => void,
): void {
  const values = columns.map(() => Number.NaN);
  for (let at = Math.max(0, since - from); at < length; at++) {
    for (let which = 0; which < columns.length; which++) values[which] = columns[which]![at]!;
    take(from + at, values);
  }
}
