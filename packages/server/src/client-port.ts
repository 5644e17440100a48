import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { remotePreface } from "holdfast/coordination";
import { prefaceBytes, readOpening } from "./http2-authority.ts";

/** The first bytes of every HTTP/2 connection that starts with prior knowledge (RFC 9113, section 3.4). */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\n");

/** A connection that stays silent is closed after this time; one that only opened HTTP/2 is handed on as it is. */
const firstBytesTimeoutMs = 60_000;

/** More than this before the first request is nobody's client. */
const maxOpeningBytes = 256 * 1024;

/** An empty SETTINGS frame (RFC 9113, section 6.5). */
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/**
 * Reads a connection's first bytes, puts them back, and hands the connection to the side that speaks its protocol, as etcd
 * serves gRPC and its JSON gateway on one port; Holdfast's own protocol is the third.
 *
 * An HTTP/2 connection is handed on with its first request, whose authority may need repair. Some clients wait for the
 * server's settings before they send it: they get empty ones, and their acknowledgement goes no further, since the
 * session that takes over sends its own and waits for an acknowledgement of those.
 */
export function routeByProtocol(
  socket: Socket,
  onHttp2: (socket: Socket) => void,
  onHttp1: (socket: Socket) => void,
  onRemote: (socket: Socket) => void,
): void {
  let first: Buffer = Buffer.alloc(0);
  let greeted = false;
  const drop = (): void => void socket.destroy();

  function onData(chunk: Buffer): void {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const compared = Math.min(first.length, http2Preface.length);
    if (startsWith(remotePreface, first)) {
      if (first.length >= remotePreface.length) handOn(onRemote);
    } else if (http2Preface.compare(first, 0, compared, 0, compared) !== 0) {
      handOn(onHttp1);
      // Node's HTTP/2 session fetches what was put back by itself; its HTTP/1.1 parser waits for a stream that flows.
      socket.resume();
    } else if (first.length > maxOpeningBytes) {
      drop();
    } else if (first.length >= prefaceBytes) {
      onOpening();
    }
  }

  function onOpening(): void {
    const { isNonsense, hasHeaders } = readOpening(first);
    if (isNonsense) {
      handOn(onHttp2);
    } else if (hasHeaders) {
      handOnHttp2();
    } else if (!greeted) {
      greeted = true;
      socket.write(settings);
    }
  }

  /** Once the answer to our settings, if we sent any, is there to be taken out. */
  function handOnHttp2(): boolean {
    if (greeted) {
      const { acknowledgement } = readOpening(first);
      if (acknowledgement === undefined) return false;
      first = Buffer.concat([first.subarray(0, acknowledgement.start), first.subarray(acknowledgement.end)]);
    }
    handOn(onHttp2);
    return true;
  }

  function onSilence(): void {
    if (!greeted || !handOnHttp2()) drop();
  }

  function handOn(to: (socket: Socket) => void): void {
    socket.off("data", onData).off("end", drop).off("error", drop).off("timeout", onSilence);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(first);
    to(socket);
  }

  socket.on("data", onData).on("end", drop).on("error", drop).on("timeout", onSilence);
  socket.setTimeout(firstBytesTimeoutMs);
}

/** Whether the two agree as far as the shorter one goes. */
function startsWith(preface: Uint8Array, first: Buffer): boolean {
  const compared = Math.min(first.length, preface.length);
  return first.compare(preface, 0, compared, 0, compared) === 0;
}
