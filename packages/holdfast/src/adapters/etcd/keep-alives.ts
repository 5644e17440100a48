import {
  CoordinationError,
  type Answer,
  type LeaseId,
  type LeaseKeepAliveResponse,
  type RequestOptions,
} from "../../coordination/index.ts";
import type { HoldfastError } from "../../errors/base.ts";
import { systemClock } from "../../runtime/system.ts";
import { Rounds } from "./endpoint-pool.ts";
import { untilAborted, type EtcdCaller } from "./etcd-caller.ts";
import { isLost, lacksToken, toError } from "./etcd-error.ts";
import { etcdMethods } from "./etcd-methods.ts";
import { KeepAliveLine, type KeepAliveOutcome } from "./keep-alive-line.ts";

/** Keeps all leases alive on one stream, and on another one when that breaks: to repeat a keep-alive does no harm. */
export class KeepAlives {
  readonly #caller: EtcdCaller;
  #line: Promise<KeepAliveLine | KeepAliveOutcome> | undefined;

  constructor(caller: EtcdCaller) {
    this.#caller = caller;
  }

  /** @throws CoordinationError, EtcdError; the signal's reason */
  renew(
    id: LeaseId,
    { signal, timeoutMs = this.#caller.pool.settings.requestTimeoutMs }: RequestOptions,
  ): Promise<Answer<LeaseKeepAliveResponse>> {
    const renewal = this.#renew(id, systemClock.now() + timeoutMs, signal);
    return signal === undefined ? renewal : untilAborted(signal, renewal);
  }

  async close(): Promise<void> {
    const line = await this.#line?.catch(() => undefined);
    if (line instanceof KeepAliveLine) line.close();
  }

  async #renew(
    id: LeaseId,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer<LeaseKeepAliveResponse>> {
    const { pool, token } = this.#caller;
    const { attemptTimeoutMs } = pool.settings;
    const rounds = new Rounds(pool);
    let last: HoldfastError | undefined;
    let renewals = 0;
    for (;;) {
      signal?.throwIfAborted();
      if (pool.closed) throw new CoordinationError("STOPPED");
      const opening = this.#open();
      const line = await opening;
      if (line instanceof KeepAliveLine) {
        const sentAt = systemClock.now();
        const outcome = await line.send(id, Math.min(deadline, sentAt + attemptTimeoutMs));
        if (outcome.type === "answer") return outcome.answer;
        if (pool.closed) throw new CoordinationError("STOPPED");
        const { error } = outcome;
        // A caller in a hurry says nothing about the stream.
        const late = error === undefined && sentAt + attemptTimeoutMs <= deadline;
        if (late || line.isOver) this.#forget(opening, line);
        if (error !== undefined && token.isNeeded && lacksToken(error) && renewals++ === 0) {
          token.drop(line.token);
          continue;
        }
        if (error !== undefined && !isLost(error)) throw toError(error, false);
        last = error === undefined ? new CoordinationError("TIMED_OUT") : toError(error, false);
        if (late || line.isOver) await pool.leave(line.endpoint);
      } else {
        if (this.#line === opening) this.#line = undefined;
        const error = line.type === "failure" ? line.error : undefined;
        if (error !== undefined && !isLost(error)) throw toError(error, false);
      }
      if (systemClock.now() >= deadline) throw last ?? (await pool.unreachable());
      await rounds.next(deadline);
    }
  }

  #forget(opening: Promise<unknown>, line: KeepAliveLine): void {
    line.close();
    if (this.#line === opening) this.#line = undefined;
  }

  #open(): Promise<KeepAliveLine | KeepAliveOutcome> {
    this.#line ??= this.#connect();
    return this.#line;
  }

  async #connect(): Promise<KeepAliveLine | KeepAliveOutcome> {
    const { pool, token } = this.#caller;
    const { connectTimeoutMs, attemptTimeoutMs } = pool.settings;
    const endpoint = await pool.current();
    if (!(await endpoint.connect(systemClock.now() + connectTimeoutMs))) {
      await pool.leave(endpoint);
      return { type: "failure", error: undefined };
    }
    const known = await token.get(endpoint, systemClock.now() + attemptTimeoutMs);
    if (known.type === "failure") {
      await pool.leave(endpoint);
      return known;
    }
    const stream = endpoint.open(etcdMethods.leaseKeepAlive, { headers: { token: known.token } });
    return new KeepAliveLine(endpoint, stream, known.token);
  }
}
