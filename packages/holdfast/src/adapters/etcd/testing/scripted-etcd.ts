import {
  Server,
  ServerCredentials,
  type Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { fromBigInt, type WireMessage } from "../../etcd-protocol/index.ts";
import { loadEtcdLibrary } from "../etcd-library.ts";
import { etcdMethods, type EtcdMethodName } from "../etcd-methods.ts";

export interface SeenCall {
  readonly method: EtcdMethodName;
  readonly message: WireMessage;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What to answer: a message, a failure, or nothing, ever. */
export type Scripted = WireMessage | Failure | "silence";

export interface Failure {
  readonly code: number;
  readonly details: string;
}

export type ScriptedStream = ServerDuplexStream<WireMessage, WireMessage>;

export interface Script {
  /** Given how often this method was called, from 1. */
  readonly unary?: Partial<Record<EtcdMethodName, (count: number, call: SeenCall) => Scripted>>;
  readonly stream?: Partial<Record<EtcdMethodName, (stream: ScriptedStream, count: number) => Promise<void> | void>>;
}

const streaming: readonly EtcdMethodName[] = ["watch", "leaseKeepAlive"];

/** A header as every answer has one. */
export function header(revision: number): { readonly header: WireMessage } {
  return { header: { cluster_id: fromBigInt(1n), member_id: fromBigInt(2n), revision, raft_term: 3 } };
}

/** Speaks the protocol over real gRPC, and says what a test wants it to say. */
export class ScriptedEtcd implements AsyncDisposable {
  readonly calls: SeenCall[] = [];
  readonly address: string;
  readonly #server: Server;

  private constructor(server: Server, port: number, calls: SeenCall[]) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
    this.calls = calls;
  }

  static async start({ unary = {}, stream = {} }: Script): Promise<ScriptedEtcd> {
    const { types } = await loadEtcdLibrary();
    const calls: SeenCall[] = [];
    const see = (method: EtcdMethodName, message: WireMessage, metadata: Metadata): SeenCall => {
      const call = { method, message, metadata: metadata.getMap() };
      calls.push(call);
      return call;
    };
    const count = (method: EtcdMethodName): number => calls.filter((call) => call.method === method).length;
    const server = new Server();
    for (const [name, { path, request, response }] of Object.entries(etcdMethods) as [
      EtcdMethodName,
      (typeof etcdMethods)[EtcdMethodName],
    ][]) {
      const isStream = streaming.includes(name);
      const definition: ServiceDefinition = {
        [name]: {
          path,
          requestStream: isStream,
          responseStream: isStream,
          requestSerialize: types(request).encode,
          requestDeserialize: types(request).decode,
          responseSerialize: types(response).encode,
          responseDeserialize: types(response).decode,
        },
      };
      server.addService(definition, {
        [name]: isStream
          ? (call: ScriptedStream) => {
              see(name, {}, call.metadata);
              call.on("error", () => undefined);
              void stream[name]?.(call, count(name));
            }
          : (call: ServerUnaryCall<WireMessage, WireMessage>, done: sendUnaryData<WireMessage>) => {
              const seen = see(name, call.request, call.metadata);
              const answer = unary[name]?.(count(name), seen) ?? { code: 12, details: "not in the script" };
              if (answer === "silence") return;
              if (isFailure(answer)) done(answer);
              else done(null, answer);
            },
      });
    }
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return new ScriptedEtcd(server, port, calls);
  }

  /** The methods called so far. */
  get called(): string {
    return this.calls.map(({ method }) => method).join();
  }

  /** Cuts all connections, and listens no more. */
  kill(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
  }
}

function isFailure(answer: WireMessage | Failure): answer is Failure {
  return "code" in answer && "details" in answer;
}
