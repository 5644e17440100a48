import { checkNumber, InvalidArgumentError } from "../../errors/base.ts";
import { JoinedSignal } from "../joined-signal.ts";
import { CoordinationError } from "../coordination-error.ts";
import { RecipeError } from "./recipe-error.ts";
import type { Session } from "./session.ts";
import { joinKey, leave, leaveLater, lineOf, takeIfFree, takeTurn, type Line, type Place } from "./waiting-line.ts";

export interface AcquireOptions {
  /** Gives up with `signal.reason`, and leaves the line. */
  readonly signal?: AbortSignal;
  /** Gives up with RecipeError ACQUIRE_TIMED_OUT. Default Infinity. */
  readonly timeoutMs?: number;
}

/** How long a request is repeated that the cluster does not answer. */
export interface RepeatOptions {
  /** Gives up with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Gives up with CoordinationError TIMED_OUT. */
  readonly timeoutMs?: number;
}

/**
 * A lock that is held. Without its token it is advisory: a holder that stands still, or is cut off, learns late that
 * it has lost the lock. What must never be touched by two has to be guarded by `token` (`createGuard`) or by the
 * lock's key (`fencedTxn`).
 */
export interface HeldLock extends AsyncDisposable {
  readonly name: string;
  /** The key that stands for the lock in the store, gone when the lock is. */
  readonly key: Uint8Array;
  /** Greater than that of every holder before. */
  readonly token: number;
  /** Whether it is held for certain, before the cluster could give it to anybody else. */
  readonly held: boolean;
  /** Fires when `held` turns false, except by `release`: stop what needs the lock. It does not turn true again. */
  readonly signal: AbortSignal;
  /**
   * Gives the lock to the next in line. Repeats what the cluster does not answer for `timeoutMs` (default 5 000), and
   * after that in the background.
   *
   * @throws CoordinationError TIMED_OUT when it was not answered in time; what it was refused with
   */
  release(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface Lock {
  readonly name: string;
  /** Waits for the lock, in the order of arrival. @throws RecipeError ACQUIRE_TIMED_OUT, SESSION_LOST; the signal's reason */
  acquire(options?: AcquireOptions): Promise<HeldLock>;
  /** Takes the lock if it is free and nobody waits for it. */
  tryAcquire(options?: AcquireOptions): Promise<HeldLock | undefined>;
  /** Runs `work` with the lock held, and releases it. */
  withLock<T>(work: (held: HeldLock) => Promise<T> | T, options?: AcquireOptions): Promise<T>;
}

/**
 * A lock in the cluster, by name. Every `acquire` is a holder of its own, also of one session. etcd's own clients
 * that lock the same name take their turns in the same line.
 *
 * @throws InvalidArgumentError for an empty name
 * @example
 * const orders = lock(session, "orders");
 * await orders.withLock(({ signal, token }) => settle({ signal, token }), { timeoutMs: 10_000 });
 */
export function lock(session: Session, name: string): Lock {
  if (name === "") throw new InvalidArgumentError("lock.name", "must not be empty", name);
  const line = lineOf(session, name, "LOCK_LOST");

  async function take(
    options: AcquireOptions,
    how: (line: Line, key: Uint8Array, signal: AbortSignal) => Promise<Place | undefined>,
  ): Promise<HeldLock | undefined> {
    return await limited(session, "acquire", options, gaveUpWaiting, async (signal) => {
      const place = await how(line, joinKey(line.prefix, session.uniqueName()), signal);
      return place && new OwnLock(session, name, place);
    });
  }

  const self: Lock = {
    name,
    acquire: async (options = {}) =>
      (await take(options, (to, key, signal) => takeTurn(to, key, new Uint8Array(0), signal)))!,
    tryAcquire: (options = {}) => take(options, takeIfFree),
    async withLock(work, options) {
      const held = await self.acquire(options);
      try {
        return await work(held);
      } finally {
        await held.release();
      }
    },
  };
  return self;
}

/** The time is over for one who waits for its turn. */
export const gaveUpWaiting = (): Error => new RecipeError("ACQUIRE_TIMED_OUT");

/** The time is over for a request that is repeated until it is answered: it may have been applied. */
export const notAnswered = (): Error => new CoordinationError("TIMED_OUT");

const undone = new Error("the wait is over");

/** As long as a timer can be. */
const longestMs = 2 ** 31 - 1;

/**
 * Runs `work` with a signal that fires with the session, the caller's signal and, with what `tooLate` makes, the time
 * limit. Keeps the process alive meanwhile, as somebody waits for it.
 */
export async function limited<T>(
  session: Session,
  name: string,
  { signal, timeoutMs = Infinity }: AcquireOptions,
  tooLate: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  checkNumber(`${name}.timeoutMs`, timeoutMs, 0, Infinity);
  const joined = new JoinedSignal(signal, session.signal);
  const over = new AbortController();
  const limit = (): void => {
    if (timeoutMs !== Infinity) joined.abort(tooLate());
  };
  session.clock.sleep(Math.min(timeoutMs, longestMs), { signal: over.signal }).then(limit, () => undefined);
  try {
    joined.signal.throwIfAborted();
    return await work(joined.signal);
  } finally {
    // A reason of its own would be made, with a stack, every time.
    over.abort(undone);
    joined.release();
  }
}

class OwnLock implements HeldLock {
  readonly name: string;
  readonly key: Uint8Array;
  readonly token: number;
  readonly signal: AbortSignal;
  readonly #session: Session;
  #releasing: Promise<void> | undefined;

  constructor(session: Session, name: string, { key, createRevision }: Place) {
    this.#session = session;
    this.name = name;
    this.key = key;
    this.token = createRevision;
    this.signal = session.whileHeld;
  }

  get held(): boolean {
    // The signal looks at the clock only when the session is asked.
    return this.#releasing === undefined && this.#session.whileHeld === this.signal && this.#session.held;
  }

  release({ timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#releasing ??= giveBack(this.#session, this.key, timeoutMs);
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** Deletes a key of the session. When that is over, the key is gone already. */
export async function giveBack(session: Session, key: Uint8Array, timeoutMs: number): Promise<void> {
  checkNumber("release.timeoutMs", timeoutMs, 0, Infinity);
  if (session.signal.aborted) return;
  try {
    await limited(session, "release", { timeoutMs }, notAnswered, (signal) => leave(session, key, signal));
  } catch (error) {
    if (session.signal.aborted) return;
    leaveLater(session, key, undefined);
    throw error;
  }
}
