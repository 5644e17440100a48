import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** The first bytes of every HTTP/2 connection that starts with prior knowledge (RFC 9113, section 3.4). */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\n");

/** A connection that stays silent is closed after this time. */
const firstBytesTimeoutMs = 60_000;

/**
 * Reads a connection's first bytes, puts them back, and hands the connection to the side that speaks its protocol, as etcd
 * serves gRPC and its JSON gateway on one port.
 */
export function routeByProtocol(
  socket: Socket,
  onHttp2: (socket: Socket) => void,
  onHttp1: (socket: Socket) => void,
): void {
  let first: Buffer | undefined;
  const drop = (): void => void socket.destroy();

  function onData(chunk: Buffer): void {
    first = first === undefined ? chunk : Buffer.concat([first, chunk]);
    const compared = Math.min(first.length, http2Preface.length);
    const matches = http2Preface.compare(first, 0, compared, 0, compared) === 0;
    if (matches && compared < http2Preface.length) return;

    socket.off("data", onData).off("end", drop).off("error", drop).off("timeout", drop);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(first);
    if (matches) return onHttp2(socket);
    onHttp1(socket);
    // Node's HTTP/2 session fetches what was put back by itself; its HTTP/1.1 parser waits for a stream that flows.
    socket.resume();
  }

  socket.on("data", onData).on("end", drop).on("error", drop).on("timeout", drop);
  socket.setTimeout(firstBytesTimeoutMs);
}
