import type { Clock, Connection } from "../runtime/index.ts";
import { encodeFrame, FrameDecoder } from "../wire/index.ts";
import type { Message } from "./message.ts";
import type { PacketCodec } from "./packet.ts";
import type { TransportMetrics } from "./transport-metrics.ts";

export interface ExchangeOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly codec: PacketCodec;
  readonly metrics: TransportMetrics;
  readonly maxStreamBytes: number;
  /** The connection is closed after this time, however far it is. */
  readonly timeoutMs: number;
  /** The one packet that the other side sends has come. */
  readonly onMessages: (messages: readonly Message[]) => void;
  readonly onClose: () => void;
}

/** One side of a stream on which each side sends one packet, framed. */
export interface Exchange {
  write(messages: readonly Message[]): void;
  /** Closes once everything written has left. */
  end(): void;
}

/** A packet that is not understood closes the stream. */
export function exchange(options: ExchangeOptions): Exchange {
  const { connection, clock, codec, metrics, maxStreamBytes, onMessages, onClose } = options;
  const frames = new FrameDecoder({ maxBytes: maxStreamBytes });
  const deadline = clock.setTimer(options.timeoutMs, () => connection.destroy());
  let isDone = false;

  connection.handle({
    onData(bytes) {
      metrics.bytesReceived += bytes.length;
      // Nobody has more to say than one packet.
      if (isDone) return;
      let packet: Uint8Array | undefined;
      try {
        frames.push(bytes, (payload) => (packet ??= payload));
      } catch {
        isDone = true;
        metrics.dropped.oversized++;
        connection.destroy();
        return;
      }
      if (packet === undefined) return;
      isDone = true;
      const messages = codec.decode(packet, "stream");
      if (messages === undefined) connection.destroy();
      else onMessages(messages);
    },
    onClose() {
      deadline.cancel();
      if (!isDone && frames.pendingBytes > 0) metrics.dropped.truncated++;
      isDone = true;
      onClose();
    },
  });

  return {
    write(messages) {
      const frame = encodeFrame(codec.encode(messages));
      metrics.bytesSent += frame.length;
      connection.write(frame);
    },
    end() {
      connection.end();
    },
  };
}
