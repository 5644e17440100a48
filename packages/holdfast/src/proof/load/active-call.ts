import type { LoadCall } from "./load-options.ts";
import type { EndedCall } from "./load-tally.ts";

/** One operation under way; it ends once, by its answer or when it is given up on. */
export class ActiveCall implements LoadCall, EndedCall {
  readonly sequence: number;
  readonly client: number;
  readonly intendedMs: number;
  readonly startedMs: number;
  name = "operation";
  readonly #onEnd: (failure: { readonly error: unknown } | undefined) => void;
  #controller: AbortController | undefined;
  #abandoned: { readonly reason: unknown } | undefined;
  #isOver = false;

  constructor(
    facts: Pick<ActiveCall, "sequence" | "client" | "intendedMs" | "startedMs">,
    onEnd: (failure: { readonly error: unknown } | undefined) => void,
  ) {
    this.sequence = facts.sequence;
    this.client = facts.client;
    this.intendedMs = facts.intendedMs;
    this.startedMs = facts.startedMs;
    this.#onEnd = onEnd;
  }

  /** Made when somebody asks: most operations need none. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abandoned !== undefined) this.#controller.abort(this.#abandoned.reason);
    }
    return this.#controller.signal;
  }

  async run(operation: (call: LoadCall) => unknown): Promise<void> {
    try {
      await operation(this);
    } catch (error) {
      this.#end({ error });
      return;
    }
    this.#end(undefined);
  }

  /** Its signal is aborted with the reason, which is also what it fails with. */
  abandon(reason: unknown): void {
    if (this.#isOver) return;
    this.#abandoned = { reason };
    this.#end({ error: reason });
    this.#controller?.abort(reason);
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(failure);
  }
}
