import type { Clock, Connection, ConnectionHandler } from "../runtime/index.ts";

/** What a connection has told, and a way to wait for more of it. */
export interface ReceivedStream {
  readonly bytes: () => Uint8Array;
  readonly text: () => string;
  readonly length: () => number;
  /** How often onClose was called, and with what. */
  readonly closes: readonly (Error | undefined)[];
  /** Resolves when the condition holds. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

/** Handles a connection by keeping all it gets. */
export function receive(clock: Clock, connection: Connection, more: Partial<ConnectionHandler> = {}): ReceivedStream {
  const chunks: Uint8Array[] = [];
  const closes: (Error | undefined)[] = [];
  let length = 0;
  connection.handle({
    ...more,
    onData(bytes) {
      chunks.push(bytes);
      length += bytes.length;
      more.onData?.(bytes);
    },
    onClose(error) {
      closes.push(error);
      more.onClose?.(error);
    },
  });
  const bytes = (): Uint8Array => new Uint8Array(Buffer.concat(chunks));
  return {
    bytes,
    text: () => new TextDecoder().decode(bytes()),
    length: () => length,
    closes,
    until: (condition) => until(clock, condition),
  };
}

/** Waits, in small steps, for up to ten seconds. @throws Error when the condition does not come true */
export async function until(clock: Clock, condition: () => boolean): Promise<void> {
  const start = clock.now();
  while (!condition()) {
    if (clock.now() - start > 10_000) throw new Error(`waited 10 s for ${condition.toString()}`);
    await clock.sleep(1);
  }
}
