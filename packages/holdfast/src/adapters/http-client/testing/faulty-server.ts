import { once } from "node:events";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** A real server on a port of its own that fails as it is told: one answer for each request, the last for all others. */
export class FaultyServer {
  readonly requests: SeenRequest[] = [];
  /** How many connections were made to it. */
  connections = 0;
  readonly #answers: readonly Answer[];
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #waiting: (() => void)[] = [];
  readonly #cutOff = Promise.withResolvers<void>();

  private constructor(answers: readonly Answer[]) {
    this.#answers = answers;
    this.#server.on("connection", () => this.connections++);
  }

  static async start(...answers: readonly Answer[]): Promise<FaultyServer> {
    const server = new FaultyServer(answers);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get bodies(): readonly string[] {
    return this.requests.map(({ body }) => body);
  }

  /** Resolves when so many requests have come. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when a client has gone before it had all of an answer. */
  get cutOff(): Promise<void> {
    return this.#cutOff.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of message) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = "", url: path = "", headers } = message;
    const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(request);
    response.on("close", () => response.writableFinished || this.#cutOff.resolve());
    const answer = this.#answers[Math.min(this.requests.length, this.#answers.length) - 1];
    answer?.(response, request);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** An answer that is whole. */
export function status(code: number, headers: OutgoingHttpHeaders = {}, body: string = `status ${code}`): Answer {
  return (response) => void response.writeHead(code, headers).end(body);
}

/** No answer: the connection is reset. */
export const reset: Answer = (response) => void response.socket?.resetAndDestroy();

/** No answer, ever. */
export const silence: Answer = () => {};

/** Headers and the first part of the body; then nothing, or what `then` does. */
export function half(code: number, then?: (response: ServerResponse) => void): Answer {
  return (response) => {
    response.writeHead(code, { "content-length": "1000" });
    response.write("half", () => then?.(response));
  };
}
