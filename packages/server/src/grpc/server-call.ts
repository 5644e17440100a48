import type { Buffer } from "node:buffer";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { framed, FramingError, MessageReader } from "./message-reader.ts";
import { grpcCode, okStatus, type Status } from "./status-code.ts";

const responseHeaders = { ":status": 200, "content-type": "application/grpc" };
const responseOptions = { waitForTrailers: true, sendDate: false } as object;
const trailersOnlyOptions = { endStream: true, sendDate: false } as object;
const okTrailers = { "grpc-status": "0", "grpc-message": "" };

/** What happens to a call, told to whoever serves it. */
export interface CallListener {
  /** A whole message of the caller. */
  onMessage(message: Buffer): void;
  /** The caller sends no more. */
  onEnd(): void;
  /** The caller cancelled or its connection broke; nobody hears an answer. Not called once the call is finished. */
  onGone(): void;
}

/** One call of gRPC over HTTP/2, at the server. */
export class ServerCall {
  readonly path: string;
  /** The common name of the client's certificate, where the connection demands one. */
  readonly peerName: string | undefined;
  readonly #headers: IncomingHttpHeaders;
  readonly #stream: ServerHttp2Stream;
  readonly #reader: MessageReader;
  #listener: CallListener | undefined;
  #finished = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, maxMessageBytes: number, peerName?: string) {
    this.path = headers[":path"] ?? "";
    this.peerName = peerName;
    this.#headers = headers;
    this.#stream = stream;
    this.#reader = new MessageReader(maxMessageBytes);
    stream.on("close", () => this.#onClose());
    // What broke it shows in its closing.
    stream.on("error", () => undefined);
  }

  /** The value of one metadata entry; several of a name come joined by commas. */
  metadata(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Begins to take in what the caller sends. */
  listen(listener: CallListener): void {
    this.#listener = listener;
    this.#stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    this.#stream.on("end", () => this.#onEnd());
  }

  /** Holds the caller back, beyond what its window lets it send ahead. Messages of a chunk that is here still come. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Sends one message. False when the caller does not keep up: `onDrain` tells when it does. */
  send(message: Uint8Array): boolean {
    return this.#write(framed(message));
  }

  /** Sends messages that are framed already, as `send` does one. */
  sendFramed(run: Buffer): boolean {
    return this.#write(run);
  }

  /** Calls back once, when more can be sent. */
  onDrain(ready: () => void): void {
    this.#stream.once("drain", ready);
  }

  /** Sends the only answer and ends the call well. */
  answer(message: Uint8Array): void {
    if (this.#finished) return;
    this.#finished = true;
    const stream = this.#stream;
    if (stream.destroyed) return;
    stream.respond(responseHeaders, responseOptions);
    this.#trail(okTrailers);
    stream.end(framed(message));
  }

  /** Ends the call; what was sent before it still arrives. */
  finish(status: Status = okStatus): void {
    if (this.#finished) return;
    this.#finished = true;
    const stream = this.#stream;
    if (stream.destroyed) return;
    const trailers = { "grpc-status": String(status.code), "grpc-message": encodeMessage(status.message) };
    if (stream.headersSent) {
      this.#trail(trailers);
      stream.end();
    } else {
      stream.respond({ ...responseHeaders, ...trailers }, trailersOnlyOptions);
      this.#stopReading();
    }
  }

  #write(bytes: Buffer): boolean {
    const stream = this.#stream;
    if (this.#finished || stream.destroyed) return true;
    if (!stream.headersSent) stream.respond(responseHeaders, responseOptions);
    return stream.write(bytes);
  }

  #trail(trailers: Record<string, string>): void {
    this.#stream.once("wantTrailers", () => {
      this.#stream.sendTrailers(trailers);
      this.#stopReading();
    });
  }

  /** A caller that has its answer need not send the rest of its question (RFC 9113, section 8.1). */
  #stopReading(): void {
    const stream = this.#stream;
    if (stream.readableEnded) return;
    stream.removeAllListeners("data").resume();
    setImmediate(() => {
      if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#finished) return;
    this.#reader.add(chunk);
    try {
      for (let message = this.#reader.next(); message !== undefined && !this.#finished; message = this.#reader.next()) {
        this.#listener?.onMessage(message);
      }
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.#break(error.status);
    }
  }

  #onEnd(): void {
    if (this.#finished) return;
    if (this.#reader.isWithinMessage)
      this.#break({ code: grpcCode.INTERNAL, message: "grpc: the last message is cut short" });
    else this.#listener?.onEnd();
  }

  #break(status: Status): void {
    const listener = this.#listener;
    this.finish(status);
    listener?.onGone();
  }

  #onClose(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#listener?.onGone();
  }
}

/** As a header may carry it ("Status-Message"): what is not printable ASCII, and the percent sign, percent-encoded. */
function encodeMessage(message: string): string {
  return message.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (text) => encodeURIComponent(text.toWellFormed()));
}
