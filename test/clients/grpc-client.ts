import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { fromJson, toJson } from "../../packages/server/src/http/proto-json.ts";
import type { MessageName } from "holdfast/adapters/etcd-protocol";
import { wireType } from "../../packages/server/src/etcd/wire-type.ts";
import type { Endpoint } from "./endpoint.ts";

const services: Readonly<Record<string, string>> = {
  Lock: "v3lockpb.Lock",
  Unlock: "v3lockpb.Lock",
  Campaign: "v3electionpb.Election",
  Proclaim: "v3electionpb.Election",
  Leader: "v3electionpb.Election",
  Observe: "v3electionpb.Election",
  Resign: "v3electionpb.Election",
  LeaseGrant: "etcdserverpb.Lease",
  LeaseRevoke: "etcdserverpb.Lease",
};

export type Message = Readonly<Record<string, unknown>>;

/** Requests and answers as the gateway's JSON has them; a real etcd takes and gives the same bytes. */
function encode(name: string): (message: object) => Buffer {
  const type = name as MessageName;
  return (message) => wireType(type).encode(fromJson(type, message));
}

function decode(name: string): (bytes: Buffer) => Message {
  const type = name as MessageName;
  return (bytes) => JSON.parse(toJson(type, wireType(type).decode(bytes))) as Message;
}

/** A call under way: what it answers, or the code and message it is refused with. */
export interface Call {
  readonly outcome: Promise<Message>;
  cancel(): void;
}

/** What lock and election services are asked with, by a client of somebody else. */
export class GrpcClient {
  readonly #client: Client;

  constructor({ client }: Endpoint) {
    this.#client = new Client(client, credentials.createInsecure());
  }

  start(method: string, request: object): Call {
    const { promise: outcome, resolve } = Promise.withResolvers<Message>();
    const call = this.#client.makeUnaryRequest(
      `/${services[method]}/${method}`,
      encode(`${method}Request`),
      decode(`${method}Response`),
      request,
      new Metadata(),
      {},
      (error: ServiceError | null, answer?: Message) =>
        resolve(error === null ? answer! : { code: error.code, details: error.details }),
    );
    return { outcome, cancel: () => call.cancel() };
  }

  call(method: string, request: object): Promise<Message> {
    return this.start(method, request).outcome;
  }

  async *observe(name: string): AsyncGenerator<Message, void, undefined> {
    const path = "/v3electionpb.Election/Observe";
    const stream = this.#client.makeServerStreamRequest(path, encode("LeaderRequest"), decode("LeaderResponse"), {
      name: Buffer.from(name).toString("base64"),
    });
    try {
      yield* stream as AsyncIterable<Message>;
    } finally {
      stream.on("error", () => undefined).cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}
