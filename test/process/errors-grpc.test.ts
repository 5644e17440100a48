import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ClassifiedRows } from "../clients/classified-rows.ts";

const grpc = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "grpc")!);

const bytes = (value: Buffer): Buffer => value;
const method: MethodDefinition<Buffer, Buffer> = {
  path: "/test.Faults/Fail",
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};

type StatusName = keyof typeof status;

/** Answers with the status whose name it is sent; with none to `silence`. */
const server = new Server();
server.addService(
  { fail: method },
  {
    fail(call: { readonly request: Buffer }, answer: (error: Partial<ServiceError>) => void) {
      const asked = String(call.request);
      if (asked === "silence") return;
      const metadata = new Metadata();
      if (asked === "RESOURCE_EXHAUSTED") metadata.set("grpc-retry-pushback-ms", "250");
      answer({ code: status[asked as StatusName], details: "as asked", metadata });
    },
  },
);

let client: Client;
let port = 0;

beforeAll(async () => {
  port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

function ask(asked: Client, answer: StatusName | "silence", timeoutMs = 5000, path = method.path): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const answered = (error: ServiceError | null): void => {
      if (error === null) reject(new Error("it succeeded"));
      else resolve(error);
    };
    const deadline = { deadline: Date.now() + timeoutMs };
    asked.makeUnaryRequest(path, bytes, bytes, Buffer.from(answer), new Metadata(), deadline, answered);
  });
}

const names = Object.keys(status).filter((name) => !/^(?:\d+|OK|UNAVAILABLE)$/.test(name)) as StatusName[];

it.each(names)("%s", async (name) => {
  const error = await ask(client, name);
  grpc.expectRow(error, name);
  // Clients that wrap it keep the message alone.
  grpc.expectRow(new Error((error as Error).message), name);
});

it("an answer UNAVAILABLE", async () => {
  grpc.expectRow(await ask(client, "UNAVAILABLE"), "UNAVAILABLE");
});

it("how long to wait", async () => {
  expect(classify(await ask(client, "RESOURCE_EXHAUSTED"))).toMatchObject({ retryAfterMs: 250 });
});

it("a deadline", async () => {
  const failure = grpc.expectRow(await ask(client, "silence", 30), "DEADLINE_EXCEEDED");
  expect([failure.kind, failure.effect]).toEqual(["timeout", "unknown"]);
});

it("a method that is not there", async () => {
  grpc.expectRow(await ask(client, "ABORTED", 5000, "/test.Faults/None"), "UNIMPLEMENTED");
});

it("nobody listens", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port: nowhere } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const lonely = new Client(`127.0.0.1:${nowhere}`, credentials.createInsecure());
  const failure = grpc.expectRow(await ask(lonely, "ABORTED"), "UNAVAILABLE refused");
  lonely.close();
  expect([failure.code, failure.effect, failure.retryable]).toEqual(["CONNECTION_REFUSED", "none", true]);
});

it("a name that nobody knows", async () => {
  const lost = new Client("nowhere.invalid:1", credentials.createInsecure());
  const error = await ask(lost, "ABORTED");
  lost.close();
  expect(grpc.expectRow(error, "UNAVAILABLE name").effect).toBe("none");
});

it("every row was provoked, or is listed as one that cannot be", () => grpc.expectAll());
