import type { Coordination, Watcher } from "../../../coordination/index.ts";

/** When a process dies: at its n-th request of a kind, before the store has it, or after, before the answer is there. */
export interface Death {
  readonly request: number;
  readonly when: "before" | "after";
}

const methods = ["range", "txn", "leaseGrant", "leaseRevoke", "leaseKeepAlive"] as const;

/**
 * A line to a store for a process that dies, or stands still, at one request: from then on nothing goes out and nothing
 * comes back. One that only stood still goes on when it is resumed, with all it had in hand.
 */
export class MortalCoordination {
  readonly coordination: Coordination;
  readonly #death: Death | undefined;
  readonly #kind: (typeof methods)[number] | undefined;
  readonly #stopped = Promise.withResolvers<void>();
  #resumed: PromiseWithResolvers<void> | undefined;
  #asked = 0;
  /** Requests held back, and sent when it was resumed. */
  late: number = 0;

  /** Requests of `kind` are counted: `txn` for what is recorded. */
  constructor(store: Coordination, death: Death | undefined, kind: (typeof methods)[number] = "txn") {
    this.#death = death;
    this.#kind = kind;
    this.coordination = {
      ...store,
      ...Object.fromEntries(
        methods.map((method) => [method, (...given: unknown[]) => this.#pass(store, method, given)]),
      ),
      watch: async (request, options) => {
        await this.#untilResumed();
        return this.#watch(await store.watch(request, options));
      },
    };
  }

  get alive(): boolean {
    return this.#resumed === undefined;
  }

  /** Requests of the kind so far. */
  get asked(): number {
    return this.#asked;
  }

  /** When it has died. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  stop(): void {
    this.#resumed ??= Promise.withResolvers<void>();
    this.#stopped.resolve();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  async #pass(store: Coordination, method: (typeof methods)[number], given: unknown[]): Promise<unknown> {
    const send = (args: unknown[]): Promise<unknown> =>
      (store[method] as (...args: unknown[]) => Promise<unknown>)(...args);
    const dies = method === this.#kind && ++this.#asked === this.#death?.request;
    if (dies && this.#death?.when === "before") this.stop();
    if (this.#resumed !== undefined) {
      await this.#resumed.promise;
      this.late++;
      // It was on its way already: nobody can call it back.
      return await send(given.slice(0, 1));
    }
    const answer = await send(given);
    if (dies && this.#death?.when === "after") this.stop();
    await this.#untilResumed();
    return answer;
  }

  async #untilResumed(): Promise<void> {
    await this.#resumed?.promise;
  }

  #watch(watcher: Watcher): Watcher {
    const next = async (): ReturnType<Watcher["next"]> => {
      const step = await watcher.next();
      await this.#untilResumed();
      return step;
    };
    const own: Watcher = {
      header: watcher.header,
      startRevision: watcher.startRevision,
      next,
      requestProgress: () => watcher.requestProgress(),
      close: () => watcher.close(),
      return: () => watcher.return(),
      [Symbol.asyncIterator]: () => own,
      [Symbol.asyncDispose]: () => watcher.close(),
    };
    return own;
  }
}
