import {
  credentials,
  makeClientConstructor,
  Server,
  ServerCredentials,
  status as codes,
  type ClientReadableStream,
  type sendUnaryData,
  type ServerWritableStream,
  type ServiceError,
} from "@grpc/grpc-js";
import { afterEach, expect, it } from "vitest";
import { createHealth } from "../../telemetry/index.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { healthInterceptor } from "./health-interceptor.ts";
import { healthService } from "./health-service.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close();
});

const text = {
  serialize: (value: { text: string }) => Buffer.from(value.text),
  parse: (bytes: Buffer) => ({ text: String(bytes) }),
};
const method = (name: string, responseStream: boolean) => ({
  path: `/shop.Orders/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: text.serialize,
  requestDeserialize: text.parse,
  responseSerialize: text.serialize,
  responseDeserialize: text.parse,
});
const definition = { Work: method("Work", false), Fail: method("Fail", false), Stream: method("Stream", true) };

interface Message {
  readonly text: string;
}

type Done = (error: ServiceError | null, answer?: Message) => void;

interface Orders {
  Work(request: Message, done: Done): { cancel(): void };
  Fail(request: Message, done: Done): unknown;
  Stream(request: Message): ClientReadableStream<Message>;
}

/** A server of the gRPC project whose handlers work until the workshop lets them go. */
async function start() {
  const health = createHealth();
  const workshop = new Workshop();
  const server = new Server({ interceptors: [healthInterceptor(health)] });
  const own = healthService(health);
  const work = async (done: sendUnaryData<Message>): Promise<void> => {
    const answer = { text: await workshop.work(undefined) };
    done(null, answer);
  };
  const stream = async (call: ServerWritableStream<Message, Message>): Promise<void> => {
    for await (const part of workshop.stream()) call.write({ text: part });
    call.end();
  };
  server.addService(own.definition, own.implementation);
  server.addService(definition, {
    Work: (_call: unknown, done: sendUnaryData<Message>) => void work(done),
    Fail: (_call: unknown, done: sendUnaryData<Message>) => done(new Error("the handler's own")),
    Stream: (call: ServerWritableStream<Message, Message>) => void stream(call),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  closing.push(() => server.forceShutdown());
  const made = [definition, own.definition].map((each) => {
    const Client = makeClientConstructor(each, "Service");
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    closing.push(() => client.close());
    return client;
  });
  const [orders, probe] = made as unknown as [Orders, { Check(request: object, done: Done): unknown }];
  return { health, workshop, orders, probe };
}

const outcome = (begin: (done: Done) => unknown): Promise<unknown> =>
  new Promise((resolve) => begin((error, answer) => resolve(error === null ? answer : error.code)));

it("a drain waits for calls and streams, however they end, and not for those that ask for health", async () => {
  const { health, workshop, orders, probe } = await start();
  const until = async (count: number): Promise<void> => {
    while (health.inFlight !== count) await new Promise((resolve) => setImmediate(resolve));
  };
  expect(await outcome((done) => orders.Fail({ text: "a" }, done))).toBe(codes.UNKNOWN);
  await until(0);
  const worked = outcome((done) => orders.Work({ text: "a" }, done));
  const cancelled = outcome((done) => setImmediate((call) => call.cancel(), orders.Work({ text: "b" }, done)));
  const parts: string[] = [];
  const stream = orders.Stream({ text: "c" });
  const ended = new Promise((resolve) =>
    stream.on("data", ({ text: part }: Message) => parts.push(part)).on("end", resolve),
  );
  await workshop.until(() => workshop.running >= 2);
  expect(await cancelled).toBe(codes.CANCELLED);
  await until(2);
  expect(await outcome((done) => probe.Check({ service: "" }, done))).toEqual({ status: "SERVING" });
  let isDrained = false;
  const drained = health.drain().finally(() => (isDrained = true));
  expect(await outcome((done) => probe.Check({ service: "" }, done))).toEqual({ status: "NOT_SERVING" });
  expect([isDrained, health.inFlight]).toEqual([false, 2]);
  workshop.release();
  expect(await drained).toEqual({ left: 0 });
  expect(await worked).toEqual({ text: "done" });
  await ended;
  expect(parts).toEqual(["first", "last"]);
});

it("refuses what is no health", () => {
  expect(() => healthInterceptor({} as never)).toThrow("healthInterceptor must be given what createHealth gives");
});
