import type { Connection, Timer } from "../../runtime/index.ts";
import type { ByteReader } from "../../wire/index.ts";
import { RemoteLine } from "./remote-line.ts";
import type { RemoteSettings } from "./remote-options.ts";
import type { AnswerKind } from "./remote-protocol.ts";

export interface RemoteDialerOptions {
  readonly settings: RemoteSettings;
  readonly onReady: (line: RemoteLine) => void;
  readonly onAnswer: (kind: AnswerKind, id: number, reader: ByteReader) => void;
  /** The line that was ready is lost. */
  readonly onLost: () => void;
  /** Whether a line is wanted still. */
  readonly isWanted: () => boolean;
}

const firstDelayMs = 20;
const maxDelayMs = 500;

/** Keeps a line to one of the endpoints while one is wanted: to the next when one fails, after a while when all have. */
export class RemoteDialer {
  readonly #options: RemoteDialerOptions;
  #current: number;
  #clusterId: bigint;
  /** Being dialled or in use. */
  #line: RemoteLine | undefined;
  #ready: RemoteLine | undefined;
  #dialing = false;
  #again: Timer | undefined;
  /** Endpoints in a row that led nowhere. */
  #failures = 0;
  #lastError: Error | undefined;
  #closed = false;

  constructor(options: RemoteDialerOptions) {
    this.#options = options;
    this.#current = 0;
    this.#clusterId = options.settings.clusterId;
  }

  /** The line in use. */
  get ready(): RemoteLine | undefined {
    return this.#ready;
  }

  /** Why no line could be had lately. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** Sees to it that there is a line, or will be. */
  want(): void {
    if (this.#closed || this.#dialing || this.#line !== undefined || this.#again !== undefined) return;
    this.#dialing = true;
    void this.#dial();
  }

  /** Goes on to the next endpoint: this one does not serve. */
  leave(reason: Error): void {
    this.#ready?.lose(reason);
  }

  close(): void {
    this.#closed = true;
    this.#again?.cancel();
    this.#line?.frames.flush();
    this.#line?.lose(undefined);
  }

  async #dial(): Promise<void> {
    const { runtime, endpoints, connectTimeoutMs } = this.#options.settings;
    let connection: Connection;
    try {
      connection = await runtime.network.connect(endpoints[this.#current]!, { timeoutMs: connectTimeoutMs });
    } catch (error) {
      this.#dialing = false;
      this.#failed(error as Error);
      return;
    }
    this.#dialing = false;
    if (this.#closed) {
      connection.destroy();
      return;
    }
    const patience = runtime.clock.setTimer(connectTimeoutMs, () => {
      if (line.welcome === undefined) line.lose(new Error(`no welcome in ${connectTimeoutMs} ms`));
    });
    const line = new RemoteLine({
      connection,
      clock: runtime.clock,
      clusterId: this.#clusterId,
      traces: this.#options.settings.tracer !== undefined,
      onWelcome: () => {
        patience.cancel();
        this.#failures = 0;
        this.#clusterId = line.welcome!.clusterId;
        this.#ready = line;
        this.#options.onReady(line);
      },
      onAnswer: this.#options.onAnswer,
      onLost: (error) => {
        patience.cancel();
        const wasReady = this.#ready === line;
        this.#line = undefined;
        this.#ready = undefined;
        if (wasReady) this.#options.onLost();
        this.#failed(error);
      },
    });
    this.#line = line;
  }

  #failed(error: Error | undefined): void {
    const { settings, isWanted } = this.#options;
    if (this.#closed) return;
    const { clock, random } = settings.runtime;
    if (error !== undefined) this.#lastError = error;
    this.#current = (this.#current + 1) % settings.endpoints.length;
    const rounds = Math.floor(++this.#failures / settings.endpoints.length);
    const longest = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.max(0, rounds - 1));
    // The first round is without delay: when one member is gone, the next is there.
    const delayMs = rounds === 0 ? 0 : longest * (0.5 + random.next() / 2);
    this.#again = clock.setTimer(delayMs, () => {
      this.#again = undefined;
      if (isWanted()) this.want();
    });
  }
}
