import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { CompressionTypes, Kafka, logLevel, type Producer } from "kafkajs";
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
  port: number;
  /** The error code in the next answers to a produce request. */
  produceError: number;
  /** In the answers to a handshake of authentication. */
  handshakeError: number;
  /** Answers nothing but the first request, of versions. */
  silent: boolean;
  /** Ends each connection when a request to produce comes. */
  hangsUp: boolean;
  /** Which broker leads the partition; only the first is told of. */
  leader: number;
  /** Whether the topic has its partition in the answers about it. */
  knowsPartition: boolean;
  /** In the answers about the topic; from its creation on, a leader is being elected. */
  topicError: number;
  /** Ends its connections. */
  end(): void;
}

/**
 * One broker of the Kafka protocol with one topic `t` of one partition, as far as kafkajs asks: ApiVersions 0, Metadata 1,
 * Produce 0 to 3, SaslHandshake 0 and CreateTopics 0, written from the protocol's description.
 */
async function startBroker(): Promise<Broker> {
  const sockets: Socket[] = [];
  const broker: Broker = {
    end: () => sockets.forEach((socket) => socket.destroy()),
    port: 0,
    produceError: 0,
    handshakeError: 0,
    silent: false,
    hangsUp: false,
    leader: 1,
    knowsPartition: true,
    topicError: 0,
  };
  broker.port = await serve((socket) => {
    sockets.push(socket);
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

const leaderNotAvailable = 5;

function answer(broker: Broker, apiKey: number): Buffer | "end" | undefined {
  const versions = [
    [0, 0, 3],
    [3, 1, 1],
    [17, 0, 0],
    [18, 0, 0],
    [19, 0, 0],
  ] as const;
  if (apiKey === 18) {
    const list = versions.flatMap(([key, least, most]) => [int(2, key), int(2, least), int(2, most)]);
    return Buffer.concat([int(2, 0), int(4, versions.length), ...list]);
  }
  if (broker.silent) return undefined;
  if (apiKey === 17) return Buffer.concat([int(2, broker.handshakeError), int(4, 1), text("PLAIN")]);
  if (apiKey === 3) {
    const node = [int(4, 1), int(4, 1), text("127.0.0.1"), int(4, broker.port), int(2, -1), int(4, 1)];
    const topic = [...node, int(4, 1), int(2, broker.topicError), text("t"), int(1, 0)];
    if (!broker.knowsPartition) return Buffer.concat([...topic, int(4, 0)]);
    const replicas = [int(4, 1), int(4, 1), int(4, 1), int(4, 1)];
    return Buffer.concat([...topic, int(4, 1), int(2, 0), int(4, 0), int(4, broker.leader), ...replicas]);
  }
  if (apiKey === 19) {
    broker.topicError = leaderNotAvailable;
    return Buffer.concat([int(4, 1), text("t"), int(2, 0)]);
  }
  if (broker.hangsUp) return "end";
  const partition = [int(4, 1), int(4, 0), int(2, broker.produceError), int(8, 0), int(8, -1), int(4, 0)];
  return Buffer.concat([int(4, 1), text("t"), ...partition]);
}

function clientOf(port: number, options: object = {}): Kafka {
  return new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 300,
    requestTimeout: 100,
    ...options,
  });
}

async function producerOf(port: number, options: object = {}): Promise<Producer> {
  const producer = clientOf(port, options).producer({ retry: { retries: 0 }, allowAutoTopicCreation: false });
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
  const admin = clientOf(broker.port).admin();
  closing.unshift(() => admin.disconnect());
  await admin.connect();
  kafka.expectRow(await caught(() => admin.listGroups()), "KafkaJSServerDoesNotSupportApiKey");
});

it("KafkaJSBrokerNotFound: the leader is a broker that nobody told of", async () => {
  const broker = await startBroker();
  broker.leader = 7;
  const producer = await producerOf(broker.port);
  await producer.connect();
  kafka.expectRow(await caught(() => producer.send(record)), "KafkaJSBrokerNotFound");
});

it("KafkaJSMetadataNotLoaded: a topic without partitions", async () => {
  const broker = await startBroker();
  broker.knowsPartition = false;
  const producer = await producerOf(broker.port);
  await producer.connect();
  kafka.expectRow(await caught(() => producer.send(record)), "KafkaJSMetadataNotLoaded");
});

it("KafkaJSLockTimeout: behind a request that is not answered", async () => {
  const broker = await startBroker();
  const producer = await producerOf(broker.port, { requestTimeout: 50, enforceRequestTimeout: false });
  await producer.connect();
  broker.silent = true;
  const first = caught(() => producer.send(record));
  const failure = kafka.expectRow(await caught(() => producer.send(record)), "KafkaJSLockTimeout");
  expect([failure.kind, failure.effect]).toEqual(["resource", "none"]);
  broker.end();
  await first;
});

it("KafkaJSNotImplemented: a compression that is not there", async () => {
  const broker = await startBroker();
  const producer = await producerOf(broker.port);
  await producer.connect();
  const compressed = { ...record, compression: CompressionTypes.Snappy };
  kafka.expectRow(await caught(() => producer.send(compressed)), "KafkaJSNotImplemented");
});

it("KafkaJSTimeout: a new topic's leaders are not elected in time", async () => {
  const broker = await startBroker();
  const admin = clientOf(broker.port).admin();
  closing.unshift(() => admin.disconnect());
  await admin.connect();
  kafka.expectRow(await caught(() => admin.createTopics({ topics: [{ topic: "t" }], timeout: 150 })), "KafkaJSTimeout");
});

it("every row was provoked, or is listed as one that cannot be", () => kafka.expectAll());
