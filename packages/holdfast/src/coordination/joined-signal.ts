/** One signal out of several, which leaves nothing behind on those that live longer. */
export class JoinedSignal {
  readonly #controller = new AbortController();
  readonly #undo: (() => void)[] = [];

  constructor(...signals: readonly (AbortSignal | undefined)[]) {
    for (const signal of signals) {
      if (signal === undefined) continue;
      if (signal.aborted) {
        this.abort(signal.reason);
        return;
      }
      const onAbort = (): void => this.abort(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#undo.push(() => signal.removeEventListener("abort", onAbort));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.release();
    this.#controller.abort(reason);
  }

  /** From now on the others no longer count. */
  release(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
