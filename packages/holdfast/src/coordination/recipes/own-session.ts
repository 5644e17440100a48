import type { RequestIdentity } from "../coordination.ts";

/**
 * The session under which a member proposes what its clients ask without naming themselves, so that it may propose
 * again what was perhaps lost.
 */
export class OwnSession {
  readonly #client: number;
  readonly #since: number;
  #lastSequence = 0;
  /** Sequences not over yet, ascending. */
  readonly #open = new Set<number>();

  /** @param since a revision that this member has seen, linearizably, before the session's first request */
  constructor(client: number, since: number) {
    this.#client = client;
    this.#since = since;
  }

  begin(): RequestIdentity {
    const sequence = ++this.#lastSequence;
    this.#open.add(sequence);
    const [lowest = sequence] = this.#open;
    return { client: this.#client, sequence, acknowledged: lowest - 1, since: this.#since };
  }

  /** The request will not be proposed again. */
  end(identity: RequestIdentity): void {
    if (identity.client === this.#client) this.#open.delete(identity.sequence);
  }
}
