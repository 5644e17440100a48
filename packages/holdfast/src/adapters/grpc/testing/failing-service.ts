import type { EventEmitter } from "node:events";
import {
  credentials,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  type status,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  type ClientDuplexStream,
  type CallOptions,
  type requestCallback,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";

const text = (value: string): Buffer => Buffer.from(value);
const read = (bytes: Buffer): string => bytes.toString();

function method(name: string, requestStream: boolean, responseStream: boolean): ServiceDefinition[string] {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: text,
    requestDeserialize: read,
    responseSerialize: text,
    responseDeserialize: read,
  };
}

const definition: ServiceDefinition = {
  say: method("Say", false, false),
  list: method("List", false, true),
  collect: method("Collect", true, false),
  chat: method("Chat", true, true),
};

export type Respond = (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => void;

export interface EchoHandlers {
  readonly list?: (call: ServerWritableStream<string, string>) => void;
  readonly collect?: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => void;
  readonly chat?: (call: ServerDuplexStream<string, string>) => void;
}

export interface EchoClient extends Client {
  say(request: string, metadata: Metadata, options: CallOptions, callback: requestCallback<string>): ClientUnaryCall;
  list(request: string, metadata: Metadata, options: CallOptions): ClientReadableStream<string>;
  collect(metadata: Metadata, options: CallOptions, callback: requestCallback<string>): ClientWritableStream<string>;
  chat(metadata: Metadata, options: CallOptions): ClientDuplexStream<string, string>;
}

const EchoClientClass = makeGenericClientConstructor(definition, "test.Echo");

export interface SeenCall {
  readonly request: string;
  readonly metadata: Metadata;
}

/** A real server that answers unary calls as it is told: one answer for each call, the last for all others. */
export class FailingService {
  readonly calls: SeenCall[] = [];
  readonly cancelled: string[] = [];
  readonly address: string;
  readonly #server: Server;
  readonly #clients: EchoClient[] = [];
  #waiting: (() => void)[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(
    answers: readonly Respond[],
    handlers: EchoHandlers = {},
    options: ServerOptions = {},
  ): Promise<FailingService> {
    const server = new Server(options);
    let service: FailingService | undefined;
    const unexpected = (call: EventEmitter): void => void call.emit("error", new Error("no handler"));
    server.addService(definition, {
      list: unexpected as never,
      collect: unexpected as never,
      chat: unexpected as never,
      ...handlers,
      say: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => service?.serve(answers, call, done),
    });
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    service = new FailingService(server, bound);
    return service;
  }

  serve(answers: readonly Respond[], call: ServerUnaryCall<string, string>, done: sendUnaryData<string>): void {
    this.calls.push({ request: call.request, metadata: call.metadata });
    call.on("cancelled", () => {
      this.cancelled.push(call.request);
      this.#wake();
    });
    answers[Math.min(this.calls.length, answers.length) - 1]?.(call, done);
    this.#wake();
  }

  /** Resolves when it is so; asked again at every call and cancellation. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  client(options: ClientOptions, address: string = this.address): EchoClient {
    const client = new EchoClientClass(address, credentials.createInsecure(), options) as unknown as EchoClient;
    this.#clients.push(client);
    return client;
  }

  /** Cuts all connections. */
  kill(): void {
    this.#server.forceShutdown();
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close();
    this.kill();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Answers with the request and with headers and trailers that tell the attempts apart. */
export const echo: Respond = (call, done) => {
  const headers = new Metadata();
  headers.set("served-by", "echo");
  call.sendMetadata(headers);
  const trailers = new Metadata();
  trailers.set("trailer", "last");
  done(null, `echo ${call.request}`, trailers);
};

/** Fails, with trailers. */
export function fails(code: status, trailers: Readonly<Record<string, string>> = {}): Respond {
  return (call, done) => {
    const headers = new Metadata();
    headers.set("served-by", "failure");
    call.sendMetadata(headers);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
    done({ code, details: `failed with ${code}`, metadata });
  };
}

/** No answer, ever. */
export const silence: Respond = () => {};
