import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import type { Endpoint } from "./endpoint.ts";

/** The messages of etcd's lock and election services, as their protocol has them. */
const root: protobuf.Root = protobuf.parse(
  `
  syntax = "proto3";
  message Header { uint64 cluster_id = 1; uint64 member_id = 2; int64 revision = 3; uint64 raft_term = 4; }
  message KeyValue { bytes key = 1; int64 create_revision = 2; int64 mod_revision = 3; int64 version = 4; bytes value = 5; int64 lease = 6; }
  message LockRequest { bytes name = 1; int64 lease = 2; }
  message LockResponse { Header header = 1; bytes key = 2; }
  message UnlockRequest { bytes key = 1; }
  message UnlockResponse { Header header = 1; }
  message LeaderKey { bytes name = 1; bytes key = 2; int64 rev = 3; int64 lease = 4; }
  message CampaignRequest { bytes name = 1; int64 lease = 2; bytes value = 3; }
  message CampaignResponse { Header header = 1; LeaderKey leader = 2; }
  message LeaderRequest { bytes name = 1; }
  message LeaderResponse { Header header = 1; KeyValue kv = 2; }
  message ResignRequest { LeaderKey leader = 1; }
  message ResignResponse { Header header = 1; }
  message ProclaimRequest { LeaderKey leader = 1; bytes value = 2; }
  message ProclaimResponse { Header header = 1; }
  message LeaseGrantRequest { int64 TTL = 1; int64 ID = 2; }
  message LeaseGrantResponse { Header header = 1; int64 ID = 2; int64 TTL = 3; }
  message LeaseRevokeRequest { int64 ID = 1; }
  message LeaseRevokeResponse { Header header = 1; }
`,
  { keepCase: true },
).root;

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

function type(name: string): protobuf.Type {
  return root.lookupType(name);
}

function encode(name: string): (message: object) => Buffer {
  return (message) => Buffer.from(type(name).encode(type(name).fromObject(message)).finish());
}

function decode(name: string): (bytes: Buffer) => Message {
  return (bytes) => type(name).toObject(type(name).decode(bytes), { longs: String, bytes: String });
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
