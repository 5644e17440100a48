import type { Socket } from "node:net";
import type { Address, Connection, ConnectionHandler } from "./runtime.ts";

/** A TCP socket as a connection. Writes of one turn leave in one system call. */
export class NodeConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly #socket: Socket;
  #handled = false;
  #corked = false;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    // Without a listener, a connection that breaks before its handler is set would end the process.
    socket.on("error", (error) => {
      this.#error ??= error;
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  handle(handler: ConnectionHandler): void {
    if (this.#handled) throw new Error("handle must be called once a connection");
    this.#handled = true;
    const socket = this.#socket;
    const close = (): void => {
      handler.onClose(this.#error);
    };
    if (socket.closed) {
      setImmediate(close);
      return;
    }
    // A plain view: Buffer's slice would share memory where Uint8Array's copies.
    socket.on("data", (chunk: Buffer) => {
      handler.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    });
    if (handler.onDrain !== undefined) socket.on("drain", () => handler.onDrain?.());
    socket.on("close", close);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket.writable) return false;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    return socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A socket that is open, of Node's `net` or `tls`, as a connection; who accepted it hands it over. */
export function nodeConnection(socket: Socket): Connection {
  return new NodeConnection(socket);
}
