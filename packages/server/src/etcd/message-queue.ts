export interface MessageQueueOptions {
  /** So many may wait before whoever sends them is held back. */
  readonly maxLength: number;
  readonly onFull: () => void;
  readonly onRoom: () => void;
}

/** Messages that come when they come, taken one after the other by one reader. */
export class MessageQueue<T> implements AsyncIterable<T> {
  readonly #options: MessageQueueOptions;
  readonly #messages: T[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #isFull = false;

  constructor(options: MessageQueueOptions) {
    this.#options = options;
  }

  push(message: T): void {
    if (this.#isEnded) return;
    this.#messages.push(message);
    if (!this.#isFull && this.#messages.length >= this.#options.maxLength) {
      this.#isFull = true;
      this.#options.onFull();
    }
    this.#wake?.();
  }

  /** No more will come; what is there is still taken. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** As `end`, and then the reader gets the error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (this.#messages.length > 0) {
        const message = this.#messages.shift() as T;
        if (this.#isFull && this.#messages.length < this.#options.maxLength / 2) {
          this.#isFull = false;
          this.#options.onRoom();
        }
        yield message;
      }
      if (this.#isEnded) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
