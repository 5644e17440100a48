import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, expect, it } from "vitest";
import { caught, ClassifiedRows } from "../clients/classified-rows.ts";

const classifier = builtInClassifiers.find(({ system }) => system === "kafka")!;
const kafka = new ClassifiedRows(classifier);
const closing: (() => unknown)[] = [];

afterAll(async () => {
  for (const close of closing) await close();
});

function int(bytes: 1 | 2 | 4 | 8, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigInt64BE(BigInt(value));
  else buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

function text(value: string): Buffer {
  return Buffer.concat([int(2, value.length), Buffer.from(value)]);
}

async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

interface Broker {
  readonly port: number;
  /** The error code in the next answers to a produce request. */
  produceError: number;
  /** In the answers to a handshake of authentication. */
  handshakeError: number;
  /** Answers nothing but the first request, of versions. */
  silent: boolean;
  /** Ends each connection when a request to produce comes. */
  hangsUp: boolean;
}

/**
 * One broker of the Kafka protocol with one topic `t` of one partition, as far as kafkajs asks: ApiVersions 0, Metadata 0,
 * Produce 0 to 3 and SaslHandshake 0, written from the protocol's description.
 */
async function startBroker(): Promise<Broker> {
  const broker = { port: 0, produceError: 0, handshakeError: 0, silent: false, hangsUp: false };
  broker.port = await serve((socket) => {
    let pending = Buffer.alloc(0);
    socket.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const size = pending.readInt32BE(0);
        const request = pending.subarray(4, 4 + size);
        pending = pending.subarray(4 + size);
        const body = answer(broker, request.readInt16BE(0));
        if (body === "end") socket.destroy();
        else if (body !== undefined) {
          socket.write(Buffer.concat([int(4, body.length + 4), request.subarray(4, 8), body]));
        }
      }
    });
  });
  return broker;
}

function answer(broker: Broker, apiKey: number): Buffer | "end" | undefined {
  const versions = [
    [0, 0, 3],
    [3, 0, 0],
    [17, 0, 0],
    [18, 0, 0],
  ] as const;
  if (apiKey === 18) {
    const list = versions.flatMap(([key, least, most]) => [int(2, key), int(2, least), int(2, most)]);
    return Buffer.concat([int(2, 0), int(4, versions.length), ...list]);
  }
  if (broker.silent) return undefined;
  if (apiKey === 17) return Buffer.concat([int(2, broker.handshakeError), int(4, 1), text("PLAIN")]);
  if (apiKey === 3) {
    const node = [int(4, 1), int(4, 1), text("127.0.0.1"), int(4, broker.port)];
    const partition = [int(4, 1), int(2, 0), int(4, 0), int(4, 1), int(4, 1), int(4, 1), int(4, 1), int(4, 1)];
    return Buffer.concat([...node, int(4, 1), int(2, 0), text("t"), ...partition]);
  }
  if (broker.hangsUp) return "end";
  const partition = [int(4, 1), int(4, 0), int(2, broker.produceError), int(8, 0), int(8, -1), int(4, 0)];
  return Buffer.concat([int(4, 1), text("t"), ...partition]);
}

async function producerOf(port: number, options: object = {}): Promise<Producer> {
  const client = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 300,
    requestTimeout: 100,
    ...options,
  });
  const producer = client.producer({ retry: { retries: 0 }, allowAutoTopicCreation: false });
  closing.unshift(() => producer.disconnect().catch(() => {}));
  return producer;
}

const record = { topic: "t", messages: [{ value: "v" }] };

it("every error code of the protocol that is in the table", async () => {
  const broker = await startBroker();
  const producer = await producerOf(broker.port);
  await producer.connect();
  expect(await producer.send(record)).toMatchObject([{ topicName: "t", errorCode: 0 }]);
  const seen = new Set<string>();
  for (let code = 1; code <= 88; code++) {
    broker.produceError = code;
    const error = await caught(() => producer.send(record));
    const [, type] = /^kafka ([A-Z_]+)$/.exec(classify(error).rule ?? "") ?? [];
    if (type === undefined) continue;
    seen.add(type);
    const failure = kafka.expectRow(error, type);
    if (code === 6) expect(failure).toMatchObject({ kind: "network", retryable: true, effect: "none" });
    if (code === 10) expect(failure).toMatchObject({ kind: "business", retryable: false });
  }
  expect(seen.size).toBeGreaterThan(25);
});

it("KafkaJSConnectionError, where nobody listens", async () => {
  const producer = await producerOf(9);
  const failure = kafka.expectRow(await caught(() => producer.connect()), "KafkaJSConnectionError refused");
  expect([failure.effect, failure.retryable]).toEqual(["none", true]);
});

it("KafkaJSConnectionError, of a connection that takes too long", async () => {
  const port = await serve(() => {});
  // To be connected with TLS, which the server does not begin.
  const producer = await producerOf(port, { ssl: true, connectionTimeout: 50 });
  kafka.expectRow(await caught(() => producer.connect()), "KafkaJSConnectionError timeout");
});

it("KafkaJSConnectionError, of a connection that is reset", async () => {
  const producer = await producerOf(await serve((socket) => socket.resetAndDestroy()));
  kafka.expectRow(await caught(() => producer.connect()), "KafkaJSConnectionError");
});

it("KafkaJSRequestTimeoutError", async () => {
  const broker = await startBroker();
  const producer = await producerOf(broker.port, { enforceRequestTimeout: true });
  await producer.connect();
  broker.silent = true;
  const failure = kafka.expectRow(await caught(() => producer.send(record)), "KafkaJSRequestTimeoutError");
  expect([failure.kind, failure.effect]).toEqual(["timeout", "unknown"]);
});

it("KafkaJSConnectionClosedError", async () => {
  const broker = await startBroker();
  const producer = await producerOf(broker.port);
  await producer.connect();
  broker.hangsUp = true;
  kafka.expectRow(await caught(() => producer.send(record)), "KafkaJSConnectionClosedError");
});

it("KafkaJSSASLAuthenticationError", async () => {
  const broker = await startBroker();
  const sasl = { mechanism: "scram-sha-256", username: "u", password: "p" };
  const producer = await producerOf(broker.port, { sasl });
  kafka.expectRow(await caught(() => producer.connect()), "KafkaJSSASLAuthenticationError");
});

it("KafkaJSServerDoesNotSupportApiKey", async () => {
  const broker = await startBroker();
  const client = new Kafka({
    brokers: [`127.0.0.1:${broker.port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  closing.unshift(() => admin.disconnect());
  await admin.connect();
  kafka.expectRow(await caught(() => admin.listGroups()), "KafkaJSServerDoesNotSupportApiKey");
});

it("every row was provoked, or is listed as one that cannot be", () => kafka.expectAll());
