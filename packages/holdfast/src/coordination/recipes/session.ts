import { checkInteger, checkOptionNames, HoldfastError } from "../../errors/base.ts";
import {
  runAsNobodys,
  systemClock,
  systemRandom,
  type Clock,
  type RandomSource,
  type Timer,
} from "../../runtime/system.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { Coordination } from "../coordination.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import { RecipeError } from "./recipe-error.ts";
import { mayPass, unlessAborted, untilAnswered } from "./until-answered.ts";

export interface SessionOptions {
  /** How long the cluster waits for a holder that is not heard of before it gives away what it holds. Default 10. */
  readonly ttlSeconds?: number;
  /** Keeps this lease alive instead of one of its own. */
  readonly leaseId?: LeaseId;
  /** Gives up opening, with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Monotonic time. Default: the system's. */
  readonly clock?: Clock;
  /** Spreads repeated requests. Default: the system's. */
  readonly random?: RandomSource;
}

export const defaultSessionOptions: { readonly ttlSeconds: number } = { ttlSeconds: 10 };

/**
 * A lease that is kept alive: what hangs on it (locks, leaderships, registrations) is there as long as this process is
 * heard of.
 */
export interface Session extends AsyncDisposable {
  readonly coordination: Coordination;
  readonly leaseId: LeaseId;
  /** As granted. */
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  /**
   * Whether the lease is alive for certain. False as soon as its time to live is over since the last answered request for
   * it was sent, also right after the process stood still, before any timer has fired; true again when a keep-alive that
   * was sent later is answered.
   */
  readonly held: boolean;
  /** Fires when `held` turns false; when it turns true again there is another. */
  readonly whileHeld: AbortSignal;
  /** Fires when the session is over for good: RecipeError SESSION_LOST or SESSION_CLOSED. */
  readonly signal: AbortSignal;
  /** Resolves with the error when the lease was lost; never when the session is closed. */
  readonly expired: Promise<RecipeError>;
  /** Resolves when `held`. @throws the reason of `signal`, or of the session's */
  untilHeld(signal: AbortSignal): Promise<void>;
  /** A part of a key that nothing else in the cluster uses. */
  uniqueName(): string;
  /** Stops keeping the lease alive, and leaves it to itself. */
  detach(): void;
  /** Gives back all that hangs on the session. When the cluster cannot be reached, the lease will run out by itself. */
  close(): Promise<void>;
}

/** Clocks of different machines do not run at quite the same rate: so much of the time to live is not counted on. */
const clockMargin = 0.01;

/**
 * Opens a session, and keeps it alive from now on: a keep-alive is sent every third of the time to live.
 *
 * @throws InvalidArgumentError; CoordinationError LEASE_NOT_FOUND for a `leaseId` that is not there; what the grant is
 * refused with; the signal's reason
 * @example
 * await using session = await openSession(member, { ttlSeconds: 5 });
 * await lock(session, "orders").withLock(async ({ token }) => charge(token));
 */
export async function openSession(coordination: Coordination, options: SessionOptions = {}): Promise<Session> {
  checkOptionNames("session", options, ["ttlSeconds", "leaseId", "signal", "clock", "random"]);
  const { clock = systemClock, random = systemRandom, signal, leaseId } = options;
  const ttlSeconds = checkInteger("session.ttlSeconds", options.ttlSeconds ?? defaultSessionOptions.ttlSeconds, 1);
  const requestOptions = signal === undefined ? {} : { signal };
  let sentAt = 0;
  const lease = await untilAnswered({ clock, random, signal }, () => {
    sentAt = clock.now();
    return leaseId === undefined
      ? coordination.leaseGrant({ ttlSeconds }, requestOptions)
      : coordination.leaseKeepAlive({ id: leaseId }, requestOptions);
  });
  if (lease.ttlSeconds <= 0) throw new CoordinationError("LEASE_NOT_FOUND");
  return new LeaseSession({ coordination, clock, random, id: lease.id, ttlSeconds: lease.ttlSeconds, sentAt });
}

interface SessionParts {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  readonly sentAt: number;
}

class LeaseSession implements Session {
  readonly coordination: Coordination;
  readonly leaseId: LeaseId;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly expired: Promise<RecipeError>;
  readonly #over = new AbortController();
  readonly #tellExpired: (error: RecipeError) => void;
  #holding = new AbortController();
  /** Called when it is held again. */
  readonly #waiting = new Set<() => void>();
  #heldUntil = -Infinity;
  #beatTimer: Timer | undefined;
  #doubtTimer: Timer | undefined;
  #names = 0;
  #closing: Promise<void> | undefined;

  constructor({ coordination, clock, random, id, ttlSeconds, sentAt }: SessionParts) {
    this.coordination = coordination;
    this.clock = clock;
    this.random = random;
    this.leaseId = id;
    this.ttlSeconds = ttlSeconds;
    const { promise, resolve } = Promise.withResolvers<RecipeError>();
    this.expired = promise;
    this.#tellExpired = resolve;
    this.#extend(sentAt);
    this.#scheduleBeat(sentAt + this.#ttlMs / 3 - clock.now());
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get held(): boolean {
    return !this.signal.aborted && this.clock.now() < this.#heldUntil;
  }

  get whileHeld(): AbortSignal {
    this.#look();
    return this.#holding.signal;
  }

  get #ttlMs(): number {
    return this.ttlSeconds * 1_000;
  }

  async untilHeld(signal: AbortSignal): Promise<void> {
    while (!this.held) {
      this.signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      try {
        await unlessAborted(promise, signal);
      } finally {
        this.#waiting.delete(resolve);
      }
    }
  }

  uniqueName(): string {
    return `${hexOf(this.leaseId)}.${++this.#names}`;
  }

  detach(): void {
    this.#end(new RecipeError("SESSION_CLOSED"));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.signal.aborted) return;
    this.detach();
    const { clock, random, coordination, leaseId: id } = this;
    const timeoutMs = Math.min(this.#ttlMs, 5_000);
    try {
      const deadline = clock.now() + timeoutMs;
      await untilAnswered({ clock, random, deadline }, () => coordination.leaseRevoke({ id }, { timeoutMs }));
    } catch {
      // It has ended already, or will when its time is over.
    }
  }

  #scheduleBeat(delayMs: number): void {
    // Whoever opened it, in a request for one, may be long over.
    this.#beatTimer = this.clock.setTimer(Math.max(0, delayMs), () => runAsNobodys(() => void this.#beat()));
  }

  async #beat(): Promise<void> {
    this.#look();
    const sentAt = this.clock.now();
    const timeoutMs = this.#ttlMs / 3;
    let left;
    try {
      const request = { id: this.leaseId };
      left = (await this.coordination.leaseKeepAlive(request, { timeoutMs, signal: this.signal })).ttlSeconds;
    } catch (error) {
      if (this.signal.aborted) return;
      // One who is refused, or whose service has stopped, does not hold it again once it is in doubt.
      if (!this.held && (hasStopped(error) || !mayPass(error)))
        this.#end(new RecipeError("SESSION_LOST", { cause: error }));
      else this.#scheduleBeat(Math.min(500, this.#ttlMs / 10));
      return;
    }
    if (this.signal.aborted) return;
    if (left <= 0) {
      this.#end(new RecipeError("SESSION_LOST"));
      return;
    }
    this.#extend(sentAt);
    this.#scheduleBeat(sentAt + this.#ttlMs / 3 - this.clock.now());
  }

  /** The lease lives on at least until its time to live has passed since the request was sent: not since the answer came. */
  #extend(sentAt: number): void {
    this.#look();
    this.#heldUntil = Math.max(this.#heldUntil, sentAt + this.#ttlMs * (1 - clockMargin));
    this.#doubtTimer?.cancel();
    const leftMs = this.#heldUntil - this.clock.now();
    if (leftMs <= 0) return;
    this.#doubtTimer = this.clock.setTimer(leftMs, () => this.#look());
    if (this.#holding.signal.aborted) this.#holding = new AbortController();
    for (const resolve of this.#waiting) resolve();
  }

  /** Whoever looks notices a time that has passed, also when the timer is late. */
  #look(): void {
    if (!this.held && this.#heldUntil !== -Infinity) this.#holding.abort(new RecipeError("SESSION_LOST"));
  }

  #end(reason: RecipeError): void {
    if (this.signal.aborted) return;
    this.#beatTimer?.cancel();
    this.#doubtTimer?.cancel();
    this.#over.abort(reason);
    this.#holding.abort(reason);
    for (const resolve of this.#waiting) resolve();
    if (reason.code === "SESSION_LOST") this.#tellExpired(reason);
  }
}

function hasStopped(error: unknown): boolean {
  return HoldfastError.is(error) && error.code === "STOPPED";
}

/** As etcd writes the id of a lease in a key. */
export function hexOf(id: LeaseId): string {
  return BigInt.asUintN(64, id).toString(16);
}
