import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Keeps connections to one server, each with one request under way: as little client as possible. */
export class RequestBurst {
  readonly #sockets: readonly Socket[];
  readonly #request: Buffer;
  readonly #marker: string;

  private constructor(sockets: readonly Socket[], path: string, marker: string) {
    this.#sockets = sockets;
    this.#request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    this.#marker = marker;
  }

  /** `marker` ends every answer and is nowhere else in it. */
  static async open(port: number, path: string, marker: string, connections: number): Promise<RequestBurst> {
    const sockets = Array.from({ length: connections }, () => connect(port, "127.0.0.1"));
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    for (const socket of sockets) socket.setNoDelay().setEncoding("latin1");
    return new RequestBurst(sockets, path, marker);
  }

  /**
   * So many requests at least, as many over each connection.
   *
   * @returns how many there were
   * @throws Error when a connection ends before its answers
   */
  async run(count: number): Promise<number> {
    const share = Math.ceil(count / this.#sockets.length);
    await Promise.all(this.#sockets.map((socket) => this.#ask(socket, share)));
    return share * this.#sockets.length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #ask(socket: Socket, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = count;
      let seen = "";
      const end = (): void => reject(new Error("the server closed a connection"));
      const take = (part: string): void => {
        seen += part;
        if (!seen.endsWith(this.#marker)) return;
        seen = "";
        if (--left > 0) socket.write(this.#request);
        else {
          socket.off("data", take).off("close", end);
          resolve();
        }
      };
      socket.on("data", take).on("close", end);
      socket.write(this.#request);
    });
  }
}
