import type { Random } from "../../runtime/index.ts";
import type { RequestIdentity } from "../coordination.ts";
import { OwnSession } from "../recipes/own-session.ts";

/** Requests between the oldest unanswered one and the newest: well below the answers that a session keeps. */
const maxSpan = 256;

/** A name for a request, and how to say that it will not be sent again. */
export interface NamedRequest {
  readonly identity: RequestIdentity;
  readonly session: OwnSession;
}

/**
 * The names of a client's writes. There are several sessions when many writes wait for a slow one: a session must not
 * lose an answer that may still be asked for.
 */
export class RemoteSessions {
  readonly #random: Random;
  /** A revision as of now: no session that was forgotten until now began later. */
  readonly #revision: () => Promise<number>;
  readonly #sessions = new Set<OwnSession>();
  #current: OwnSession | undefined;
  #opening: Promise<OwnSession> | undefined;

  constructor(random: Random, revision: () => Promise<number>) {
    this.#random = random;
    this.#revision = revision;
  }

  begin(): NamedRequest | Promise<NamedRequest> {
    if (this.#current !== undefined) {
      const named = name(this.#current);
      if (named !== undefined) return named;
      this.#current = undefined;
      for (const session of this.#sessions) {
        const other = name(session);
        if (other === undefined) continue;
        this.#current = session;
        return other;
      }
    }
    return this.#openAndBegin();
  }

  /** The cluster has forgotten it. */
  drop(session: OwnSession): void {
    this.#sessions.delete(session);
    if (this.#current === session) this.#current = undefined;
  }

  async #openAndBegin(): Promise<NamedRequest> {
    this.#opening ??= this.#open();
    const session = await this.#opening;
    return name(session) ?? this.begin();
  }

  async #open(): Promise<OwnSession> {
    try {
      const since = await this.#revision();
      const session = new OwnSession(this.#random.integer(1, Number.MAX_SAFE_INTEGER), since);
      this.#sessions.add(session);
      this.#current = session;
      return session;
    } finally {
      this.#opening = undefined;
    }
  }
}

/** Undefined when the session is as wide as it may be. */
function name(session: OwnSession): NamedRequest | undefined {
  const identity = session.begin();
  if (identity.sequence - identity.acknowledged <= maxSpan) return { identity, session };
  session.end(identity);
  return undefined;
}
