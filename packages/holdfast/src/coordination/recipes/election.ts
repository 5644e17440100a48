import { InvalidArgumentError } from "../../errors/base.ts";
import { observeFront, frontOf, type ObserveOptions } from "../leases/leader-watch.ts";
import { gaveUpWaiting, giveBack, limited, notAnswered, type AcquireOptions, type RepeatOptions } from "./lock.ts";
import { RecipeError } from "./recipe-error.ts";
import type { Session } from "./session.ts";
import { untilAnswered } from "./until-answered.ts";
import { joinKey, lineOf, takeTurn, type Place } from "./waiting-line.ts";

/** Who leads. */
export interface Leader {
  readonly key: Uint8Array;
  /** What it says of itself, for example its address. */
  readonly value: string;
  /** Greater than that of every leader before. */
  readonly token: number;
}

/** A leadership that is held: until it is resigned, or the session is not heard of any more. See HeldLock for tokens. */
export interface Leadership extends AsyncDisposable {
  readonly name: string;
  readonly key: Uint8Array;
  /** Greater than that of every leader before. */
  readonly token: number;
  /** Whether it is held for certain, before the cluster could give it to anybody else. */
  readonly held: boolean;
  /** Fires when `held` turns false, except by `resign`: stop to lead. */
  readonly signal: AbortSignal;
  /**
   * Says something else, without a new election. `timeoutMs` is 5 000 by default.
   *
   * @throws RecipeError LEADERSHIP_OVER, SESSION_LOST; CoordinationError TIMED_OUT; the signal's reason. After the last
   * two it may have been said.
   */
  proclaim(value: string, options?: RepeatOptions): Promise<void>;
  /** Lets the next candidate lead. Repeats what is not answered for `timeoutMs` (default 5 000), then in the background. */
  resign(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface Election {
  readonly name: string;
  /** Waits to lead, in the order of arrival. @throws RecipeError ACQUIRE_TIMED_OUT, SESSION_LOST; the signal's reason */
  campaign(value: string, options?: AcquireOptions): Promise<Leadership>;
  /** Who leads now, linearizably; undefined when nobody does. */
  leader(options?: { readonly signal?: AbortSignal }): Promise<Leader | undefined>;
  /** Who leads now, then every change of who it is and of what it says; undefined when nobody does. */
  observe(options?: { readonly signal?: AbortSignal }): AsyncGenerator<Leader | undefined, void, undefined>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * An election in the cluster, by name: one of the candidates leads, and the next one when it is gone. etcd's own
 * clients take part in the same election.
 *
 * @throws InvalidArgumentError for an empty name
 * @example
 * const leadership = await election(session, "billing").campaign("10.0.0.7:8080");
 * while (leadership.held) await bill(leadership.token);
 */
export function election(session: Session, name: string): Election {
  if (name === "") throw new InvalidArgumentError("election.name", "must not be empty", name);
  const line = lineOf(session, name, "LEADERSHIP_OVER");
  const { coordination, clock, random } = session;
  return {
    name,
    campaign: (value, options = {}) =>
      limited(session, "campaign", options, gaveUpWaiting, async (signal) => {
        const key = joinKey(line.prefix, session.uniqueName());
        return new OwnLeadership(session, name, await takeTurn(line, key, encoder.encode(value), signal));
      }),
    async leader({ signal } = {}) {
      const { pair } = await untilAnswered({ clock, random, signal, deadline: clock.now() + 5_000 }, () =>
        frontOf(coordination, line.prefix, signal),
      );
      return pair && { key: pair.key, value: decoder.decode(pair.value), token: pair.createRevision };
    },
    async *observe({ signal } = {}) {
      const options: ObserveOptions = { clock, random, ...(signal && { signal }) };
      for await (const { pair } of observeFront(coordination, line.prefix, options)) {
        yield pair && { key: pair.key, value: decoder.decode(pair.value), token: pair.createRevision };
      }
    },
  };
}

class OwnLeadership implements Leadership {
  readonly name: string;
  readonly key: Uint8Array;
  readonly token: number;
  readonly signal: AbortSignal;
  readonly #session: Session;
  #resigning: Promise<void> | undefined;

  constructor(session: Session, name: string, { key, createRevision }: Place) {
    this.#session = session;
    this.name = name;
    this.key = key;
    this.token = createRevision;
    this.signal = session.whileHeld;
  }

  get held(): boolean {
    return this.#resigning === undefined && this.#session.whileHeld === this.signal && this.#session.held;
  }

  async proclaim(value: string, options: RepeatOptions = {}): Promise<void> {
    const { coordination, clock, random, leaseId } = this.#session;
    const { key, token } = this;
    const put = { key, value: encoder.encode(value), lease: leaseId };
    const { succeeded } = await limited(
      this.#session,
      "proclaim",
      { timeoutMs: 5_000, ...options },
      notAnswered,
      (signal) =>
        untilAnswered({ clock, random, signal }, () =>
          coordination.txn(
            {
              compare: [{ key, target: "create", result: "equal", operand: token }],
              success: [{ type: "put", request: put }],
              failure: [],
            },
            { signal },
          ),
        ),
    );
    if (!succeeded) throw new RecipeError("LEADERSHIP_OVER");
  }

  resign({ timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#resigning ??= giveBack(this.#session, this.key, timeoutMs);
    return this.#resigning;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resign();
  }
}
