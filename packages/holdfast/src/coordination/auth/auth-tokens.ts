/** A token that is not used for this long is void, as in etcd. */
export const tokenLifeMs = 300_000;

/** Tokens known at once; the one used longest ago goes first. */
const maxTokens = 100_000;

interface Holder {
  readonly user: string;
  usedAt: number;
}

/**
 * Who has shown a password lately, by the token given for it. Each member keeps its own: a token is made known to all by
 * the log, and forgotten by each after its own clock, or with its restart.
 */
export class AuthTokens {
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #holders = new Map<string, Holder>();

  constructor(now: () => number) {
    this.#now = now;
  }

  give(token: string, user: string): void {
    this.#holders.delete(token);
    this.#holders.set(token, { user, usedAt: this.#now() });
    this.#sweep();
  }

  /** Whose token it is, undefined when it is none (any more). Using it keeps it. */
  userOf(token: string): string | undefined {
    this.#sweep();
    const holder = this.#holders.get(token);
    if (holder === undefined) return undefined;
    this.#holders.delete(token);
    holder.usedAt = this.#now();
    this.#holders.set(token, holder);
    return holder.user;
  }

  /** Voids what was given to one user, or to all. */
  forget(user?: string): void {
    for (const [token, holder] of this.#holders) {
      if (user === undefined || holder.user === user) this.#holders.delete(token);
    }
  }

  #sweep(): void {
    const oldest = this.#now() - tokenLifeMs;
    for (const [token, { usedAt }] of this.#holders) {
      if (usedAt > oldest && this.#holders.size <= maxTokens) return;
      this.#holders.delete(token);
    }
  }
}
