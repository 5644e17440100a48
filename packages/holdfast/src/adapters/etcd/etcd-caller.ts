import { CoordinationError, type RequestIdentity, type RequestOptions } from "../../coordination/index.ts";
import { InvalidArgumentError, type HoldfastError } from "../../errors/base.ts";
import { systemClock } from "../../runtime/system.ts";
import type { WireMessage } from "../etcd-protocol/index.ts";
import { startAttemptSpan } from "./attempt-span.ts";
import type { AuthToken } from "./auth-token.ts";
import type { AttemptOutcome, Endpoint } from "./endpoint.ts";
import { Rounds, type EndpointPool } from "./endpoint-pool.ts";
import { isLost, isRefusedUnread, lacksToken, toError } from "./etcd-error.ts";
import type { EtcdMethod } from "./etcd-methods.ts";

export interface CallOptions extends RequestOptions {
  readonly mutates: boolean;
}

interface Limits {
  readonly deadline: number;
  /** Sent again when it is not known what became of it. */
  readonly repeatable: boolean;
  readonly mutates: boolean;
  readonly signal: AbortSignal;
  readonly identity: RequestIdentity | undefined;
  /** In whose name this one request is made, instead of the client's own. */
  readonly token: string | undefined;
}

/** Aborts for `close`, and so is told apart from an abort by the caller. */
const closed: unique symbol = Symbol("closed");

/**
 * Makes calls, on another endpoint when one fails. What changes something is sent once: again only if it was refused for
 * its token or by a learner, before it could change anything, or if it has an identity that the endpoints know.
 */
export class EtcdCaller {
  readonly pool: EndpointPool;
  readonly token: AuthToken;

  constructor(pool: EndpointPool, token: AuthToken) {
    this.pool = pool;
    this.token = token;
  }

  /** @throws CoordinationError, EtcdError; the signal's reason */
  async call(method: EtcdMethod, message: WireMessage, options: CallOptions): Promise<WireMessage> {
    const { settings, closing } = this.pool;
    const { mutates, signal, identity, timeoutMs = settings.requestTimeoutMs } = options;
    if (identity !== undefined && !settings.identities) {
      throw new InvalidArgumentError("identity", "needs endpoints that know it (etcd.identities)", identity);
    }
    signal?.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    const onClose = (): void => stop.abort(closed);
    signal?.addEventListener("abort", onAbort, { once: true });
    closing.addEventListener("abort", onClose, { once: true });
    if (closing.aborted) stop.abort(closed);
    try {
      return await untilAborted(
        stop.signal,
        this.#attempts(method, message, {
          deadline: systemClock.now() + timeoutMs,
          repeatable: !mutates || identity !== undefined,
          mutates,
          signal: stop.signal,
          identity,
          token: tokenOf(options),
        }),
      );
    } catch (error) {
      throw error === closed ? new CoordinationError(mutates ? "TIMED_OUT" : "STOPPED") : error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      closing.removeEventListener("abort", onClose);
    }
  }

  async #attempts(method: EtcdMethod, message: WireMessage, limits: Limits): Promise<WireMessage> {
    const { pool, token } = this;
    const { deadline, repeatable, mutates, signal } = limits;
    const rounds = new Rounds(pool);
    let last: HoldfastError | undefined;
    let renewals = 0;
    for (;;) {
      signal.throwIfAborted();
      const endpoint = await pool.current();
      if (await endpoint.connect(Math.min(deadline, systemClock.now() + pool.settings.connectTimeoutMs))) {
        signal.throwIfAborted();
        const { sent, outcome, used } = await this.#attempt(endpoint, method, message, limits);
        if (outcome.type === "answer") return outcome.message;
        signal.throwIfAborted();
        const { error } = outcome;
        if (sent && limits.token === undefined && token.isNeeded && lacksToken(error) && renewals++ === 0) {
          token.drop(used);
          continue;
        }
        if (!isLost(error)) throw toError(error, mutates);
        if (sent) last = toError(error, mutates);
        if (sent && !repeatable && !isRefusedUnread(error)) {
          await pool.leave(endpoint);
          throw last;
        }
      }
      await pool.leave(endpoint);
      if (systemClock.now() >= deadline) throw last ?? (await pool.unreachable());
      await rounds.next(deadline);
    }
  }

  async #attempt(
    endpoint: Endpoint,
    method: EtcdMethod,
    message: WireMessage,
    { deadline, repeatable, identity, signal, token }: Limits,
  ): Promise<{ readonly sent: boolean; readonly outcome: AttemptOutcome; readonly used?: string | undefined }> {
    const { size, settings } = this.pool;
    const soon = Math.min(deadline, systemClock.now() + settings.attemptTimeoutMs);
    const known = await this.token.get(endpoint, soon, token);
    if (known.type === "failure") return { sent: false, outcome: known };
    const span = settings.tracer && startAttemptSpan(settings.tracer, method);
    const headers = {
      ...span?.headers,
      token: known.token,
      "holdfast-request": identity === undefined ? undefined : formatIdentity(identity),
    };
    try {
      const outcome = await endpoint.attempt(method, message, {
        deadline: repeatable && size > 1 ? soon : deadline,
        headers,
        signal,
      });
      span?.end(outcome);
      return { sent: true, outcome, used: known.token };
    } catch (error) {
      span?.fail(error);
      throw error;
    }
  }
}

/** @throws InvalidArgumentError for a user: only who shares a process with a member can vouch for one */
export function tokenOf({ credentials }: Pick<RequestOptions, "credentials">): string | undefined {
  if (credentials === undefined) return undefined;
  if ("token" in credentials) return credentials.token;
  throw new InvalidArgumentError("credentials", "must be a token", credentials);
}

function formatIdentity({ client, sequence, acknowledged, since = 0 }: RequestIdentity): string {
  return `${client}/${sequence}/${acknowledged}/${since}`;
}

/** What comes of the work; or the signal's reason, at once. */
export function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const over = (): void => signal.removeEventListener("abort", onAbort);
    work.then(resolve, reject).finally(over);
  });
}
