import type { Random } from "../runtime/index.ts";
import { isOvertaken, type AuthDesk } from "./auth/auth-desk.ts";
import { encodeCommand } from "./key-value/command-codec.ts";
import type { CommandOperation } from "./key-value/command.ts";
import type { Answer, RequestIdentity, RequestOptions, ResponseHeader } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import { OwnSession } from "./recipes/own-session.ts";
import type { PendingReads } from "./pending-reads.ts";
import type { PendingWrites } from "./pending-writes.ts";

export interface MemberWritesOptions {
  readonly random: Random;
  readonly machine: { readonly revision: number };
  readonly auth: Pick<AuthDesk, "recognise">;
  readonly writes: Pick<PendingWrites, "add">;
  readonly reads: Pick<PendingReads, "add">;
  readonly deadline: (options: RequestOptions) => number;
  readonly header: (revision: number) => ResponseHeader;
}

/** What a member proposes for its clients, under their names for it or under one of its own session. */
export class MemberWrites {
  readonly #options: MemberWritesOptions;
  #session: OwnSession | undefined;

  constructor(options: MemberWritesOptions) {
    this.#options = options;
  }

  /** `Response` is what the state machine answers such an operation with. */
  async write<Response>(operation: CommandOperation, options: RequestOptions): Promise<Answer<Response>> {
    const deadline = this.#options.deadline(options);
    if (options.identity !== undefined) return this.#propose(operation, options.identity, deadline, options);
    const session = this.#session ?? (await this.#openSession(deadline, options.signal));
    const identity = session.begin();
    try {
      return await this.#propose(operation, identity, deadline, options);
    } catch (error) {
      // A session that the cluster has forgotten is of no more use.
      const expired = error instanceof CoordinationError && error.code === "SESSION_EXPIRED";
      if (expired && this.#session === session) this.#session = undefined;
      throw error;
    } finally {
      session.end(identity);
    }
  }

  async #propose<Response>(
    operation: CommandOperation,
    identity: RequestIdentity,
    deadline: number,
    options: RequestOptions,
  ): Promise<Answer<Response>> {
    const { auth, writes, header } = this.#options;
    const known = auth.recognise(options);
    const caller = known instanceof Promise ? await known : known;
    const command = encodeCommand(caller === undefined ? { identity, operation } : { identity, caller, operation });
    const outcome = await writes.add(identity, command, deadline, options.signal);
    if (outcome.type === "refused") {
      // Users have changed on the way, as this member knows by now.
      if (caller !== undefined && isOvertaken(outcome.error))
        return this.#propose(operation, identity, deadline, options);
      throw outcome.error;
    }
    return { ...outcome.response, header: header(outcome.revision) } as Answer<Response>;
  }

  /**
   * Opens the session with the first write: it must know a revision that no forgotten session is younger than. Each write
   * that finds none waits by itself, with its own deadline and signal; the first that is ready opens it for all.
   */
  async #openSession(deadline: number, signal: AbortSignal | undefined): Promise<OwnSession> {
    const { random, machine, reads } = this.#options;
    await reads.add(deadline, signal);
    this.#session ??= new OwnSession(random.integer(1, Number.MAX_SAFE_INTEGER), machine.revision);
    return this.#session;
  }
}
