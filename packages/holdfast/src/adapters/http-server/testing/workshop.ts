/** What the handlers of test servers do: work until they are told to stop, in plain sight of the test. */
export class Workshop {
  /** Handlers at work. */
  running = 0;
  mostRunning = 0;
  started = 0;
  /** Whose signal was aborted while they worked. */
  aborted = 0;
  #released = Promise.withResolvers<void>();
  #waiting: (() => void)[] = [];

  /** Something happened that `until` may wait for. */
  poke = (): void => {
    for (const wake of this.#waiting.splice(0)) wake();
  };

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async work(signal: AbortSignal | undefined): Promise<string> {
    this.running++;
    this.started++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    signal?.addEventListener("abort", () => {
      this.aborted++;
      this.poke();
    });
    this.poke();
    await this.#released.promise;
    this.running--;
    return "done";
  }

  async *stream(): AsyncGenerator<string> {
    yield "first";
    await this.work(undefined);
    yield "last";
  }

  /** Lets everybody finish, also those that begin later. */
  release(): void {
    this.#released.resolve();
  }
}
